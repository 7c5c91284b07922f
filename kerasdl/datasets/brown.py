"""TFDS builder of the Brown corpus: sentences as words and tags, split by document.

Sentences of one document share names and topic, so a document is never torn apart. In every
category the documents are put in the order of the SHA-256 of their names; of ten, one is test and
the next one validation. No source, platform or random generator can change it.
"""

import tensorflow_datasets as tfds

from kerasdl.datasets import brown_sources, catalog, downloads
from kerasdl.datasets.splits import digest

_ONE_IN = 10


class Builder(tfds.core.GeneratorBasedBuilder):
    """`kerasdl_brown`: words, tags and document of each sentence, in three fixed splits."""

    name = catalog.BROWN.builder_name
    VERSION = tfds.core.Version(catalog.BROWN.version)
    # NLTK's archive is rewritten now and then, so there is no checksum to hold it to; the number
    # of documents and the form of every word are checked instead.
    url_infos = None

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=catalog.BROWN.description,
            features=tfds.features.FeaturesDict(
                {
                    "words": tfds.features.Sequence(tfds.features.Text()),
                    "tags": tfds.features.Sequence(tfds.features.Text()),
                    "document": tfds.features.Text(),
                }
            ),
            supervised_keys=("words", "tags"),
            homepage="http://www.hit.uib.no/icame/brown/bcm.html",
            citation=catalog.BROWN.citation,
            disable_shuffling=True,  # documents in order, sentences as they follow each other
        )

    def _split_generators(self, dl_manager):
        # Everything is read and checked here, before TFDS writes its first file.
        path = brown_sources.find()
        documents = brown_sources.read(path if path is not None else self._download(dl_manager))
        splits = split_documents(documents)
        return {
            split: self._generate_examples({name: documents[name] for name in names})
            for split, names in splits.items()
        }

    def _generate_examples(self, documents):
        sentences = ((name, *one) for name, sentences in documents.items() for one in sentences)
        for index, (name, words, tags) in enumerate(sentences):
            yield index, {"words": words, "tags": tags, "document": name}

    def _download(self, dl_manager):
        urls = {"brown": brown_sources.URL}
        return downloads.fetch(dl_manager, urls, brown_sources.ways_to_get_it)["brown"]


def split_documents(names) -> dict[str, list[str]]:
    """Choose the documents of each split, in every category in the same shares.

    Args:
        names: Names of documents; the second letter is the category.

    Returns:
        Split to its documents, sorted.

    Example:
        >>> split_documents(["ca01", "ca02", "ca03", "cb01", "cb02", "cb03"])["test"]
        ['ca02', 'cb02']
    """
    splits: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for category in brown_sources.CATEGORIES:
        members = sorted((name for name in names if name[1] == category), key=digest)
        for position, name in enumerate(members):
            split = {0: "test", 1: "validation"}.get(position % _ONE_IN, "train")
            splits[split].append(name)
    return {split: sorted(members) for split, members in splits.items()}
