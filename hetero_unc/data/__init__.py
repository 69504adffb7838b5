"""Images, labels and out-of-distribution images, checked before use. NumPy only at import."""

from hetero_unc.data.digits import load_digits
from hetero_unc.data.ferplus import (
    CLASSES_8,
    CLASSES_9,
    SPLIT_CONVENTIONS,
    FerPlus,
    fer_label_to_ferplus,
)
from hetero_unc.data.ferplus_protocols import PROTOCOLS, ProtocolRows
from hetero_unc.data.ferplus_reading import load_ferplus
from hetero_unc.data.identical_images import has_twin_in, identical_groups
from hetero_unc.data.idx import read_idx
from hetero_unc.data.image_dataset import ImageDataset
from hetero_unc.data.label_noise import CONFUSABLE_PAIRS, flip_labels_within_pairs
from hetero_unc.data.matching import Matched, match
from hetero_unc.data.mnist import load_fashion_mnist_test, load_mnist
from hetero_unc.data.predictions import Predictions
from hetero_unc.data.predictions_file import read_predictions
from hetero_unc.data.routing_csv import write_routing_csv
from hetero_unc.data.sources import find_dataset
from hetero_unc.data.synthetic_faces import SyntheticFaces, load_synthetic_faces
from hetero_unc.data.vote_reading import read_votes
from hetero_unc.data.vote_table import Annotations, VoteTable

__all__ = [
    "CLASSES_8",
    "CLASSES_9",
    "CONFUSABLE_PAIRS",
    "PROTOCOLS",
    "SPLIT_CONVENTIONS",
    "Annotations",
    "FerPlus",
    "ImageDataset",
    "Matched",
    "Predictions",
    "ProtocolRows",
    "SyntheticFaces",
    "VoteTable",
    "fer_label_to_ferplus",
    "find_dataset",
    "flip_labels_within_pairs",
    "has_twin_in",
    "identical_groups",
    "load_digits",
    "load_fashion_mnist_test",
    "load_ferplus",
    "load_mnist",
    "load_synthetic_faces",
    "match",
    "read_idx",
    "read_predictions",
    "read_votes",
    "write_routing_csv",
]
