import numpy as np
import pytest
from keras import ops
from matplotlib.figure import Figure
from matplotlib.image import imread

from kerasdl import inspection, optimizers
from kerasdl.training import descend


def bowl(t):
    return 0.1 * t[0] ** 2 + t[1] ** 2


def line(w, b, x, y):
    return ops.mean(ops.square(w * x + b - y))


@pytest.fixture(scope="module")
def ways():
    start = np.array([-4.0, 2.0], "float32")
    return {
        "SGD": descend(bowl, optimizer=0.4, epochs=20, parameters=start),
        "Adam": descend(bowl, optimizer=optimizers.Adam(0.3), epochs=20, parameters=start),
    }


@pytest.fixture(scope="module")
def sizes():
    x = np.linspace(-1, 1, 60, dtype="float32")
    data = (x, 2 * x + 1)
    start = [np.array(0.0, "float32"), np.array(0.0, "float32")]
    return {
        "full-batch": descend(line, data, None, 0.1, 3, parameters=start),
        "stochastic": descend(line, data, 1, 0.01, 3, parameters=start),
    }


def test_paths_go_from_the_start_to_the_end_over_the_right_heights(ways):
    figure = Figure()
    axis = figure.subplots()
    inspection.draw_paths(axis, bowl, ways, minimum=(0, 0), points=31)
    first = axis.get_lines()[0]
    np.testing.assert_allclose(first.get_xydata(), ways["SGD"].path[0], rtol=1e-6)
    assert [t.get_text() for t in axis.get_legend().get_texts()] == ["SGD", "Adam"]
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    assert left < -4 < 0 < right
    assert bottom < 0 < 2 < top


def test_heights_are_the_loss_on_the_grid():
    from kerasdl.inspection.descent import _heights

    columns, rows = np.array([0.0, 1.0, 2.0]), np.array([-1.0, 3.0])
    expected = 0.1 * columns[None] ** 2 + rows[:, None] ** 2
    np.testing.assert_allclose(_heights(bowl, columns, rows, scalars=False), expected, rtol=1e-6)
    both = _heights(lambda a, b: bowl((a, b)), columns, rows, scalars=True)
    np.testing.assert_allclose(both, expected, rtol=1e-6)


def test_two_numbers_are_a_path_too(sizes, tmp_path):
    x = ops.convert_to_tensor(np.linspace(-1, 1, 60, dtype="float32"))
    path = tmp_path / "paths.png"
    inspection.save_paths(path, lambda w, b: line(w, b, x, 2 * x + 1), sizes, names=("w", "b"))
    assert imread(path).std() > 0.1


def test_curves_show_all_data_and_each_step(sizes, tmp_path):
    figure = Figure()
    inspection.draw_descent(figure, sizes)
    left, right = figure.axes
    strong = left.get_lines()[0]
    np.testing.assert_allclose(strong.get_ydata(), sizes["full-batch"].epoch_losses)
    labels = [t.get_text() for t in left.get_legend().get_texts()]
    assert labels == ["full-batch (3 steps)", "stochastic (180 steps)"]
    assert len(right.get_lines()) == 2
    inspection.save_descent(tmp_path / "curves.png", sizes)
    assert [p.name for p in tmp_path.iterdir()] == ["curves.png"]


def test_what_cannot_be_drawn_is_named(ways):
    wide = descend(lambda t: ops.sum(t**2), epochs=1, parameters=[1.0, 2.0, 3.0])
    axis = Figure().subplots()
    with pytest.raises(ValueError, match=r"two numbers .* 'wide' has 3"):
        inspection.draw_paths(axis, bowl, ways | {"wide": wide})
    hidden = descend(bowl, epochs=1, parameters=[1.0, 2.0], keep=0)
    with pytest.raises(ValueError, match="no path"):
        inspection.draw_paths(axis, bowl, {"hidden": hidden})
