"""The head, and the layer that turns it into an ordinary classifier."""

from hetero_unc.layers.gaussian_logits import GaussianLogits
from hetero_unc.layers.log_expected_softmax import LogExpectedSoftmax

__all__ = ["GaussianLogits", "LogExpectedSoftmax"]
