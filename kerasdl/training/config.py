"""What a training run is: every number that decides its outcome, checked before any work."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from kerasdl import datasets
from kerasdl.errors import InputError

SCHEDULES = ("cosine", "inverse_square_root")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """The settings of one training run.

    Attributes:
        model: Name of the network: "vit", "cnn", "mlp", "rnn", "tagger", "seq2seq", "captioner",
            "transformer", "language_model", "skipgram", "segmenter" or "detector".
        dataset: Name of the data set, see `kerasdl data list`.
        epochs: Passes over the training data.
        batch_size: Examples in one step.
        learning_rate: Peak of the schedule.
        warmup_epochs: Length of the linear warm-up; may be a fraction.
        schedule: What follows the warm-up: "cosine", half a cosine down to 1 % of the peak, or
            "inverse_square_root" of the step, as in the Transformer's paper.
        weight_decay: Decoupled weight decay of Adam.
        label_smoothing: Part of the label that is spread over all classes.
        patience: Epochs without a better validation accuracy before stopping; 0 never stops early.
        max_shift: Largest random translation of a training image, in pixels.
        flip: Whether training images are mirrored at random.
        seed: Seed of weights, order, dropout and augmentation.
        model_arguments: Arguments of the network beyond what the data set determines, and how the
            data are prepared: "rnn" and "tagger" `vocabulary_size`, "tagger" also `endings_size`
            and `tags` ("universal" or "full"), "seq2seq" and "transformer" `stress`,
            "skipgram" `vocabulary_size`, `window`, `negatives` and `subsampling`.

    Raises:
        InputError: Naming the setting, what came and what was expected.

    Example:
        >>> TrainConfig(model="vit", dataset="digits", epochs=0)
        Traceback (most recent call last):
        ...
        kerasdl.errors.InputError: `epochs` must be an integer of at least 1, received 0.
    """

    model: str
    dataset: str
    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    warmup_epochs: float = 1.0
    schedule: str = "cosine"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    patience: int = 0
    max_shift: int = 0
    flip: bool = False
    seed: int = 0
    model_arguments: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        for name, least in [("epochs", 1), ("batch_size", 1), ("patience", 0), ("max_shift", 0)]:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(
                    f"`{name}` must be an integer of at least {least}, received {value!r}."
                )
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**31:
            raise InputError(
                f"`seed` must be an integer from 0 to 2³¹ − 1, received {self.seed!r}."
            )
        for name in ("learning_rate", "warmup_epochs", "weight_decay"):
            value = getattr(self, name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not 0 <= value < float("inf"):
                raise InputError(f"`{name}` must be a number of at least 0, received {value!r}.")
        if self.learning_rate == 0:
            raise InputError("`learning_rate` must be positive, received 0.")
        if self.schedule not in SCHEDULES:
            raise InputError(
                f"`schedule` must be one of {', '.join(SCHEDULES)}, received {self.schedule!r}."
            )
        smoothing = self.label_smoothing
        if isinstance(smoothing, bool) or not isinstance(smoothing, int | float):
            raise InputError(f"`label_smoothing` must be a number, received {smoothing!r}.")
        if not 0 <= smoothing < 1:
            raise InputError(
                f"`label_smoothing` must be at least 0 and below 1, received {smoothing!r}."
            )
        info = datasets.info(self.dataset)  # raises for an unknown data set
        if self.batch_size > info.split_sizes["train"]:
            raise InputError(
                f"`batch_size` must be at most {info.split_sizes['train']}, the number of training "
                f"examples of {self.dataset!r}; received {self.batch_size}."
            )

    def to_json(self) -> str:
        """Return the settings as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    def to_toml(self) -> str:
        """Return the settings as TOML, which `kerasdl train --config` takes.

        Example:
            >>> print(TrainConfig(model="mlp", dataset="digits", epochs=3).to_toml().split()[:3])
            ['model', '=', '"mlp"']
        """
        settings = dataclasses.asdict(self)
        arguments = settings.pop("model_arguments")
        lines = [_toml_line(*item) for item in settings.items()]
        lines += ["", "[model_arguments]", *(_toml_line(*item) for item in arguments.items())]
        return "\n".join(lines) + "\n"

    @classmethod
    def load(cls, path: Path) -> "TrainConfig":
        """Read the settings of a run.

        Raises:
            InputError: If the file is not what `to_json` writes.
        """
        try:
            return cls(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise InputError(f"{path} holds no settings of a run: {error}") from error

    @classmethod
    def of(cls, settings: dict[str, Any]) -> "TrainConfig":
        """Return the config of settings that a user has written.

        Raises:
            InputError: Naming the setting that there is not, or that is wrong.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        for name in settings:
            if name not in names:
                raise InputError(datasets.catalog.unknown("setting", name, names))
        return cls(**settings)

    def differences(self, other: "TrainConfig") -> list[str]:
        """Return one line for each setting in which two runs differ."""
        return [
            f"{field.name}: {getattr(self, field.name)!r} there, {getattr(other, field.name)!r} now"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != getattr(other, field.name)
        ]


def _toml_line(name: str, value: Any) -> str:
    """Numbers, truth values, strings and lists of these are the same in JSON and TOML."""
    if value is None:  # TOML has none; what is left out has its default
        return f"# {name} has its default"
    return f"{name} = {json.dumps(value)}"
