"""Whether an uncertainty finds miscalibration: the Brier score along it, less its calibrated null.

If annotators draw their votes from the forecast q itself, an item's expected Brier score is
1 - sum_k q_k^2. That rises with any uncertainty of q without the least miscalibration, so only the
excess over it says something. NumPy only.
"""

import dataclasses

import numpy as np

from hetero_unc.checks import check_uncertainty
from hetero_unc.metrics.annotation_brier import annotation_brier_score
from hetero_unc.metrics.association import pearson
from hetero_unc.metrics.reliability import assign_bins
from hetero_unc.metrics.vote_calibration import top_label_share

__all__ = ["BrierByUncertainty", "brier_by_uncertainty"]


@dataclasses.dataclass(frozen=True)
class BrierByUncertainty:
    """One entry a bin, from the least to the most uncertain; means over the bin's annotations.

    Attributes
    ----------
    count : int array of shape (n_bins,)
        Annotations in the bin.
    uncertainty : float array of shape (n_bins,)
    brier : float array of shape (n_bins,)
        In [0, 2]. This and all means are NaN where the bin is empty.
    null : float array of shape (n_bins,)
        Expected Brier score were the votes drawn from the forecast: 1 - sum_k q_k^2.
    excess : float array of shape (n_bins,)
        `brier - null`; about 0 everywhere for a calibrated forecast. Negative where the forecast is
        more doubtful than the votes.
    confidence, share : float arrays of shape (n_bins,)
        Probability of the predicted class, and its share of the annotations.
    """

    count: np.ndarray
    uncertainty: np.ndarray
    brier: np.ndarray
    null: np.ndarray
    excess: np.ndarray
    confidence: np.ndarray
    share: np.ndarray

    def index_correlation(self, name):
        """Pearson's correlation of the number of the bin with `name`, over bins that hold items.

        `name` is "brier", "null" or "excess". The bins are few and no random sample: its textbook
        p-value means nothing; hold it against `calibrated_null` and resample items for an interval.
        """
        values = getattr(self, name)
        filled = np.flatnonzero(self.count)
        return pearson(filled, values[filled])


def brier_by_uncertainty(votes, y_prob, uncertainty, *, n_bins=100):
    """Brier score over annotations, its calibrated null and its excess along an uncertainty.

    Convention: bins of equally many items, ties together, so that with ties some may be empty;
    means weigh items by their votes.

    Parameters
    ----------
    votes : array-like of int, shape (N, C)
        Number of votes for each class; every item has at least one.
    y_prob : array-like of float, shape (N, C)
        Predicted probabilities; rows sum to 1.
    uncertainty : array-like of float, shape (N,)
        Any finite numbers.
    n_bins : int, default=100
        Number of bins, >= 1: percentiles, as in the reference. Correlations with the bin's number
        depend on it; state it with them.

    Returns
    -------
    BrierByUncertainty

    Raises
    ------
    ValueError
        If an argument breaks the rules above, or the lengths differ.

    References
    ----------
    .. [1] Ghandeharioun, Eoff, Jou and Picard (2019), section 4.3 (without null and excess),
       https://arxiv.org/abs/1909.09285

    Examples
    --------
    >>> bins = brier_by_uncertainty([[2, 0], [1, 1]], [[0.5, 0.5]] * 2, [0.1, 0.9], n_bins=2)
    >>> bins.brier, bins.null, bins.excess
    (array([0.5, 0.5]), array([0.5, 0.5]), array([0., 0.]))
    """
    brier = annotation_brier_score(votes, y_prob).total
    confidence, share, count = top_label_share(votes, y_prob)
    uncertainty = check_uncertainty(uncertainty, len(count))
    null = 1 - np.square(np.asarray(y_prob, dtype=np.float64)).sum(axis=1)
    bins = assign_bins(uncertainty, n_bins, "equal_mass")
    total = np.bincount(bins, weights=count, minlength=n_bins)
    divisor = np.where(total > 0, total, np.nan)

    def mean(values):
        return np.bincount(bins, weights=count * values, minlength=n_bins) / divisor

    return BrierByUncertainty(
        count=total.astype(np.int64),
        uncertainty=mean(uncertainty),
        brier=mean(brier),
        null=mean(null),
        excess=mean(brier - null),
        confidence=mean(confidence),
        share=mean(share),
    )
