"""Learning curves that grow while the network trains, in a notebook."""

import io
import time

import keras


class LiveCurves(keras.callbacks.Callback):
    """Redraw loss and accuracy in the output of the notebook cell while training goes on.

    The curves replace what the cell has shown so far, so that one picture is left at the end.
    Outside a notebook nothing happens.

    Args:
        interval: Least time between two drawings, in seconds. The last epoch is always drawn.
        width: Width of the picture on the page, in pixels.

    Example::

        training.train(config, "run", callbacks=[LiveCurves()])
    """

    def __init__(self, interval: float = 1.0, width: int = 800):
        super().__init__()
        self.interval = interval
        self.width = width
        self.rows: list[dict] = []

    def on_train_begin(self, logs=None):
        """Start with empty axes in mind."""
        self.rows = []
        self._drawn_at = -float("inf")
        self._notebook = in_notebook()

    def on_epoch_end(self, epoch, logs=None):
        """Add a point; draw if the last drawing is old enough."""
        self.rows.append({"epoch": epoch + 1} | {k: float(v) for k, v in (logs or {}).items()})
        if time.monotonic() - self._drawn_at >= self.interval:
            self._draw()

    def on_train_end(self, logs=None):
        """Draw what came after the last drawing."""
        self._draw()

    def _draw(self):
        if not self._notebook or not self.rows:
            return
        from IPython.display import Image, clear_output, display

        picture = Image(curves_png(self.rows), format="png", width=self.width)
        clear_output(wait=True)  # when the next output comes: no flicker
        display(picture)
        self._drawn_at = time.monotonic()


def curves_png(rows: list[dict]) -> bytes:
    """Draw learning curves as PNG.

    Args:
        rows: One dictionary per epoch, with `epoch`, `loss`, `accuracy` and their `val_` twins.
    """
    from matplotlib.figure import Figure

    from kerasdl.training.reports import draw_learning_curve

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    draw_learning_curve(figure.subplots(1, 2), rows)
    last = rows[-1]
    figure.suptitle(
        f"epoch {last['epoch']}: validation loss {last['val_loss']:.3f}, "
        f"accuracy {last['val_accuracy']:.1%}",
        fontsize=11,
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def in_notebook() -> bool:
    """Whether this runs in a notebook's kernel (and not in a terminal or a script).

    Example:
        >>> in_notebook()
        False
    """
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")
