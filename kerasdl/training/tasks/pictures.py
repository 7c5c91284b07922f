"""Pictures in, a class out."""

from typing import ClassVar

from kerasdl import datasets, models
from kerasdl.training.examples import Examples
from kerasdl.training.tasks.base import Task, most_frequent_class


class ClassifyPictures(Task):
    """Pictures in, a class out."""

    kind = "images"
    networks: ClassVar = {"vit": models.ViT, "cnn": models.CNN, "mlp": models.MLP}

    def what_the_data_say(self):
        """Return the shape of a picture and the number of classes."""
        return self.info.image_shape, self.info.num_classes

    def examples(self, model, split):
        """Return a split as pictures, still uint8, and labels."""
        return Examples(*datasets.load_arrays(self.config.dataset, split, self.data_dir))

    def baseline(self, model):
        """Say always what is most frequent."""
        return most_frequent_class(*(self.load(split)["label"] for split in ("train", "test")))
