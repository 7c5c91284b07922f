"""Which settings a search may vary, and in which range."""

import dataclasses
from typing import Any

from kerasdl.datasets.catalog import unknown
from kerasdl.errors import InputError


@dataclasses.dataclass(frozen=True)
class Range:
    """Numbers that a setting may take.

    Attributes:
        low: The smallest.
        high: The largest.
        whole: Whether integers alone are meant.
        log: Whether factors count, not differences: 0.001 is as far from 0.01 as 0.01 from 0.1.
        step: Distance between integers.
        choices: These alone, if given.
    """

    low: float
    high: float
    whole: bool = False
    log: bool = False
    step: int = 1
    choices: tuple = ()

    def suggest(self, trial, name: str) -> float:
        """Return the value that an Optuna trial is to try."""
        if self.choices:
            return trial.suggest_categorical(name, list(self.choices))
        if self.whole:
            step = {} if self.log else {"step": self.step}
            return trial.suggest_int(name, self.low, self.high, log=self.log, **step)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def narrowed(self, name: str, text: str) -> "Range":
        """Return the range that a user has written: `LOW:HIGH`, `A,B,C` or one value.

        Raises:
            InputError: If it cannot be read, or is not a range of this setting.

        Example:
            >>> Range(1e-4, 1e-1, log=True).narrowed("learning_rate", "1e-3:1e-2").high
            0.01
            >>> Range(1, 4, whole=True).narrowed("depth", "2").choices
            (2,)
        """
        number = int if self.whole else float
        try:
            if ":" in text:
                low, high = map(number, text.split(":"))
                given = dataclasses.replace(self, low=low, high=high, choices=())
            else:
                choices = tuple(map(number, text.split(",")))
                low, high = min(choices), max(choices)
                given = dataclasses.replace(self, low=low, high=high, choices=choices)
        except ValueError as error:
            kind = "integers" if self.whole else "numbers"
            raise InputError(
                f"`{name}` must be LOW:HIGH, A,B,C or one value, of {kind}; received {text!r}."
            ) from error
        least = 0 if name == "dropout" else number(1) if self.whole else 0.0
        needs_positive = self.log and not given.choices
        if not least <= low <= high < float("inf") or (needs_positive and low == 0):
            raise InputError(
                f"`{name}` must go from a smaller to a larger number, "
                f"{'above 0' if needs_positive else f'from {least} on'}; received {text!r}."
            )
        return given


_COMMON = {"learning_rate": Range(1e-4, 1e-2, log=True)}
SPACES: dict[str, dict[str, Range]] = {
    "vit": _COMMON
    | {
        "width": Range(32, 128, whole=True, step=16),
        "depth": Range(1, 6, whole=True),
        "dropout": Range(0.0, 0.4),
        "weight_decay": Range(1e-6, 1e-2, log=True),
    },
    "cnn": _COMMON
    | {
        "width": Range(8, 32, whole=True, log=True),
        "depth": Range(1, 3, whole=True),
        "dropout": Range(0.0, 0.6),
        "l2": Range(1e-6, 1e-3, log=True),
    },
    "mlp": _COMMON
    | {
        "width": Range(32, 512, whole=True, log=True),
        "depth": Range(1, 4, whole=True),
        "dropout": Range(0.0, 0.6),
        "l2": Range(1e-6, 1e-3, log=True),
    },
}


def space_of(model: str, given: dict[str, str] | None = None) -> dict[str, Range]:
    """Return the ranges of a network, with those that a user has set in their place.

    Args:
        model: Name of the network.
        given: Setting to `LOW:HIGH`, `A,B,C` or one value.

    Raises:
        InputError: If there is no such network or setting, or a range cannot be read.

    Example:
        >>> space_of("mlp", {"depth": "1:2"})["depth"].high
        2
    """
    if model not in SPACES:
        raise InputError(unknown("model", model, SPACES))
    space = dict(SPACES[model])
    for name, text in (given or {}).items():
        if name not in space:
            raise InputError(unknown("space", name, space))
        space[name] = space[name].narrowed(name, text)
    return space


def with_values(settings: dict[str, Any], values: dict[str, float]) -> dict[str, Any]:
    """Return the settings of a run with the values of a trial in them.

    Width and depth mean for each network what they mean in the textbook: the ViT's token size and
    number of layers, the units and number of hidden layers of the MLP, the filters of the CNN's
    first block (each next one has twice as many) and the number of blocks.

    Args:
        settings: Arguments of `TrainConfig`.
        values: By name of the setting.

    Example:
        >>> settings = {"model": "cnn", "dataset": "digits"}
        >>> with_values(settings, {"width": 8, "depth": 2, "l2": 0.0})["model_arguments"]
        {'filters': [8, 16], 'l2': 0.0}
    """
    values = dict(values)
    arguments = dict(settings.get("model_arguments", {}))
    width, depth = values.pop("width", None), values.pop("depth", None)
    match settings["model"]:
        case "vit":
            arguments |= {"hidden_dim": width, "mlp_dim": 2 * width} if width else {}
            arguments |= {"num_layers": depth} if depth else {}
        case "cnn" if width and depth:
            arguments["filters"] = [width * 2**i for i in range(depth)]
        case "mlp" if width and depth:
            arguments["hidden_units"] = [width] * depth
    for name in ("dropout", "l2"):
        if name in values:
            arguments[name] = values.pop(name)
    return settings | values | {"model_arguments": arguments}
