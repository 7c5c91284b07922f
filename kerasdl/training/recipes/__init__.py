"""Shipped recipes: settings that are known to work for a network and a data set."""

import difflib
import tomllib
from importlib import resources
from pathlib import Path

from kerasdl.errors import InputError


def recipe_names() -> list[str]:
    """Return the names of the shipped recipes, `MODEL-DATASET`.

    Example:
        >>> "vit-digits" in recipe_names()
        True
    """
    files = resources.files(__name__).iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def recipe(model: str, dataset: str) -> dict:
    """Return the settings of a shipped recipe, as arguments of `TrainConfig`.

    Args:
        model: Name of the network, e.g. "vit".
        dataset: Name of the data set, e.g. "digits".

    Raises:
        InputError: If there is no such recipe; the message lists those there are.

    Example:
        >>> recipe("vit", "digits")["dataset"]
        'digits'
    """
    names = recipe_names()
    models = sorted({name.split("-")[0] for name in names})
    if model not in models:
        close = difflib.get_close_matches(str(model), models, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InputError(
            f"There is no recipe for the network {model!r}.{hint} Networks: {', '.join(models)}."
        )
    name = f"{model}-{dataset}"
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InputError(
            f"There is no recipe for model {model!r} on dataset {dataset!r}.{hint} "
            f"Recipes: {', '.join(names)}."
        )
    text = (resources.files(__name__) / f"{name}.toml").read_text()
    return {"model": model, "dataset": dataset, **tomllib.loads(text)}


def recipe_file(path: str | Path) -> dict:
    """Return the settings of a recipe of your own, as arguments of `TrainConfig`.

    Args:
        path: A TOML file like the shipped ones, with `model` and `dataset` in it.

    Raises:
        InputError: If it cannot be read, or does not say what is to be trained on what.
    """
    try:
        settings = tomllib.loads(Path(path).read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{str(path)!r} is no recipe that can be read: {error}") from error
    for name in ("model", "dataset"):
        if name not in settings:
            raise InputError(f"{str(path)!r} must set `{name}`; it sets {', '.join(settings)}.")
    return settings
