"""Functions that return a `keras.Model`, and weights for it."""

from hetero_unc.models.backbones import BACKBONES, gaussian_classifier
from hetero_unc.models.batch_statistics import estimate_batch_statistics
from hetero_unc.models.compact_network import compact_network
from hetero_unc.models.dropout_network import dropout_network
from hetero_unc.models.face_preprocessing import FACE_PREPROCESSINGS, face_preprocessing
from hetero_unc.models.inception_resnet_v1 import (
    ENDPOINTS,
    endpoint_features,
    inception_resnet_v1,
    split_at_endpoint,
)
from hetero_unc.models.small_cnn import small_cnn
from hetero_unc.models.views import averaged_over_views
from hetero_unc.models.weights_file import load_weights, save_weights

__all__ = [
    "BACKBONES",
    "ENDPOINTS",
    "FACE_PREPROCESSINGS",
    "averaged_over_views",
    "compact_network",
    "dropout_network",
    "endpoint_features",
    "estimate_batch_statistics",
    "face_preprocessing",
    "gaussian_classifier",
    "inception_resnet_v1",
    "load_weights",
    "save_weights",
    "small_cnn",
    "split_at_endpoint",
]
