"""Images, labels and out-of-distribution images, checked before use. NumPy only at import."""

from hetero_unc.data.digits import load_digits
from hetero_unc.data.idx import read_idx
from hetero_unc.data.image_dataset import ImageDataset
from hetero_unc.data.label_noise import CONFUSABLE_PAIRS, flip_labels_within_pairs
from hetero_unc.data.matching import Matched
from hetero_unc.data.mnist import load_fashion_mnist_test, load_mnist
from hetero_unc.data.predictions import Predictions
from hetero_unc.data.sources import find_dataset
from hetero_unc.data.vote_table import Annotations, VoteTable

__all__ = [
    "CONFUSABLE_PAIRS",
    "Annotations",
    "ImageDataset",
    "Matched",
    "Predictions",
    "VoteTable",
    "find_dataset",
    "flip_labels_within_pairs",
    "load_digits",
    "load_fashion_mnist_test",
    "load_mnist",
    "read_idx",
]
