"""Losses on the output of `GaussianLogits`."""

from hetero_unc.losses.expected_cross_entropy import ExpectedCrossEntropy
from hetero_unc.losses.marginal_likelihood import MarginalLikelihood

__all__ = ["ExpectedCrossEntropy", "MarginalLikelihood"]
