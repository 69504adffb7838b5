"""The maths of Gaussian logits: no layers, no losses, no models."""

from hetero_unc.gaussian.class_likelihood import negative_log_expected_softmax
from hetero_unc.gaussian.integrals import (
    expected_agreement,
    expected_entropy,
    expected_log_sum_exp,
    expected_products,
    expected_softmax,
    log_expected_softmax,
)
from hetero_unc.gaussian.parameters import split_parameters
from hetero_unc.gaussian.sampling import as_distribution, draw_logits, draw_shared_logits

__all__ = [
    "as_distribution",
    "draw_logits",
    "draw_shared_logits",
    "expected_agreement",
    "expected_entropy",
    "expected_log_sum_exp",
    "expected_products",
    "expected_softmax",
    "log_expected_softmax",
    "negative_log_expected_softmax",
    "split_parameters",
]
