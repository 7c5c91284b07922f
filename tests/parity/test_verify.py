"""The proof itself: it must say no to what is wrong."""

import keras
import numpy as np
import pytest
from keras import ops

import kerasdl
from kerasdl.errors import InputError
from kerasdl.parity import layer_models, layers, report, symbols, verify
from kerasdl.parity.case import (
    CustomCase,
    FunctionCase,
    Input,
    LayerCase,
    OptimizerCase,
    has_counterpart,
)
from kerasdl.parity.result import Check, Row


@keras.saving.register_keras_serializable("wrong")
class WrongBias(kerasdl.layers.Dense):
    """Forgets the bias."""

    def call(self, inputs):
        return self.activation(ops.matmul(inputs, self.kernel))


@keras.saving.register_keras_serializable("wrong")
class WrongGradient(kerasdl.layers.Dense):
    """Right numbers, wrong gradient."""

    def call(self, inputs):
        y = super().call(inputs)
        return y + 0.01 * (inputs[..., :1] - ops.stop_gradient(inputs[..., :1]))


@keras.saving.register_keras_serializable("wrong")
class WrongMask(kerasdl.layers.Dense):
    """Drops the mask."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.supports_masking = False


@keras.saving.register_keras_serializable("wrong")
class WrongConfig(kerasdl.layers.Dense):
    """Forgets an argument."""

    def get_config(self):
        config = super().get_config()
        del config["use_bias"]
        return config


def case_of(layer):
    return LayerCase(
        symbol="layers.Dense",
        make=lambda k: layer(3) if k is kerasdl else k.layers.Dense(3),
        inputs=(Input((2, 4, 5), free=(0, 1)),),
        masks=((2, 4),),
    )


def failed(checks):
    return {check.name for check in checks if not check.passed}


def test_a_right_layer_passes():
    proof = layers.LayerProof(case_of(kerasdl.layers.Dense))
    checks = [*layers.check_numbers(proof), *layers.check_finite_differences(proof)]
    checks += [*layers.check_weights(proof), *layer_models.check_config(proof)]
    assert not failed(checks)
    assert {"forward float64", "gradient bfloat16", "mask", "config"} <= {c.name for c in checks}


def test_a_wrong_output_fails_everywhere():
    proof = layers.LayerProof(case_of(WrongBias))
    assert "forward float64" in failed(layers.check_numbers(proof))
    assert "training steps" in failed(layer_models.check_modes(proof))


def test_a_wrong_gradient_fails():
    proof = layers.LayerProof(case_of(WrongGradient))
    wrong = failed(layers.check_numbers(proof))
    assert "gradient float64" in wrong
    assert "forward float64" not in wrong
    assert failed(layers.check_finite_differences(proof)) == {"finite differences"}


def test_a_lost_mask_fails():
    assert "mask" in failed(layers.check_numbers(layers.LayerProof(case_of(WrongMask))))


def test_a_lost_argument_fails():
    assert "config" in failed(layer_models.check_config(layers.LayerProof(case_of(WrongConfig))))


def test_a_function_is_compared_with_its_reference():
    def checks(reference):
        case = FunctionCase(
            symbol="ops.affine",
            inputs=(Input((2, 3)), Input((3, 4), free=())),
            reference=reference,
        )
        holder, by_name = verify.CHECKS[FunctionCase]
        return [c for check in by_name.values() for c in check(holder(case))]

    assert not failed(checks(lambda x, W: x @ W))
    assert "forward float64" in failed(checks(lambda x, W: 2 * (x @ W)))


def test_an_optimiser_with_another_rate_fails():
    wrong = OptimizerCase(
        symbol="optimizers.Adam",
        make=lambda k: k.optimizers.Adam(0.001 if k is kerasdl else 0.0011),
    )
    _, checks = verify.CHECKS[OptimizerCase]
    assert "forward float64" in failed(checks["path"](wrong))
    assert "config" in failed(checks["config"](wrong))


def test_an_exception_fails_the_check_and_not_the_run(monkeypatch):
    def raises():
        raise ZeroDivisionError("no\nway")

    monkeypatch.setattr(
        verify, "all_cases", lambda: {"ops.x": CustomCase(symbol="ops.x", run=raises)}
    )
    row = verify.prove("ops.x")
    assert not row.passed
    assert row.nearest.note == "ZeroDivisionError: no way"


def test_a_symbol_without_a_case_fails():
    row = verify.prove("layers.NotThere")
    assert not row.passed
    assert "no case" in row.checks[0].note


def test_every_public_symbol_has_a_case():
    proven = {case.symbol for case in verify.all_cases().values()}
    assert set(symbols.public()) <= proven
    assert len(verify.select()) >= 90


def test_reasons_stand_beside_what_is_left_out():
    for case in verify.all_cases().values():
        assert all(case.skip.values()), case.name
        if case.builtin_is_wrong:
            assert all(case.builtin_is_wrong.values()), case.name
        needs_reference = not has_counterpart(case.symbol) or "all" in case.builtin_is_wrong
        if needs_reference and isinstance(case, LayerCase | FunctionCase):
            assert case.reference or getattr(case, "draws", None), case.name


@pytest.mark.parametrize("pattern", ["(", "layers.Nothing"])
def test_a_pattern_that_finds_nothing_is_named(pattern):
    with pytest.raises(InputError, match=r"received|matches"):
        verify.select(pattern)


def test_the_page_keeps_the_other_backends(tmp_path):
    page = tmp_path / "parity.md"
    page.write_text(
        "# Parity\n\n## TensorFlow\n\nold tf\n\n## JAX\n\nold jax\n\n## PyTorch\n\nold\n"
    )
    row = Row("layers.Dense (relu)", checks=[Check("forward float64", 1e-16, 1e-12)])
    report.write_page([row], page)
    text = page.read_text()
    assert text.count("## ") == 3
    assert text.count("old") == 2
    assert "| `layers.Dense` (relu) | keras | 1.0e-16 |" in text
    report.write_page([row], page)
    assert page.read_text() == text


def test_rows_that_cannot_be_measured_are_valid_json(tmp_path):
    import json

    row = Row("x", checks=[Check("case", np.inf, 0.0, "broken")])
    report.write_json([row], tmp_path / "out.json")
    (found,) = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert found["checks"][0]["error"] is None
    assert not found["passed"]
    assert report.failures([row]) == ["x: case: not equal (tolerance 0) broken"]
