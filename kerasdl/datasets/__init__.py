"""Real data as arrays and as `tf.data` pipelines, through TensorFlow Datasets builders.

Importing this is light: TensorFlow, TensorFlow Datasets and scikit-learn are loaded when data are
prepared or read.

Example:
    >>> from kerasdl import datasets
    >>> datasets.info("digits").split_sizes
    {'train': 1293, 'validation': 144, 'test': 360}
"""

from kerasdl.datasets.catalog import available, info
from kerasdl.datasets.dataset_info import DatasetInfo
from kerasdl.datasets.pipelines import pipeline
from kerasdl.datasets.storage import (
    default_data_dir,
    is_prepared,
    load_arrays,
    load_examples,
    prepare,
)

__all__ = [
    "DatasetInfo",
    "available",
    "default_data_dir",
    "info",
    "is_prepared",
    "load_arrays",
    "load_examples",
    "pipeline",
    "prepare",
]
