"""The head, the layer that turns it into an ordinary classifier, and what compact networks need."""

from hetero_unc.layers.gaussian_logits import GaussianLogits
from hetero_unc.layers.log_expected_softmax import LogExpectedSoftmax
from hetero_unc.layers.random_affine import RandomAffine
from hetero_unc.layers.rotation import Rotation
from hetero_unc.layers.standardised_convolution import StandardisedConv2D

__all__ = ["GaussianLogits", "LogExpectedSoftmax", "RandomAffine", "Rotation", "StandardisedConv2D"]
