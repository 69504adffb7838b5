"""Losses on the output of `GaussianLogits`."""

from hetero_unc.losses.expected_cross_entropy import ExpectedCrossEntropy
from hetero_unc.losses.marginal_likelihood import MarginalLikelihood
from hetero_unc.losses.vote_likelihood import VoteLikelihood

__all__ = ["ExpectedCrossEntropy", "MarginalLikelihood", "VoteLikelihood"]
