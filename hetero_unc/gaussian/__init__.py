"""The maths of Gaussian logits: no layers, no losses, no models."""

from hetero_unc.gaussian.class_likelihood import negative_log_expected_softmax
from hetero_unc.gaussian.distributions import as_distribution
from hetero_unc.gaussian.integrals import (
    expected_agreement,
    expected_entropy,
    expected_log_sum_exp,
    expected_products,
    expected_softmax,
    log_expected_softmax,
)
from hetero_unc.gaussian.parameters import split_parameters
from hetero_unc.gaussian.sampling import draw_logits, draw_shared_logits
from hetero_unc.gaussian.vote_integrals import log_expected_votes

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
    "log_expected_votes",
    "negative_log_expected_softmax",
    "split_parameters",
]
