"""The Brier score over annotations, and its exact split into distance and spread. NumPy only."""

import dataclasses

import numpy as np

from hetero_unc.metrics.disagreement import check_votes_and_probabilities, vote_shares

__all__ = ["AnnotationBrierScore", "annotation_brier_score"]


@dataclasses.dataclass(frozen=True)
class AnnotationBrierScore:
    """`total = distance + spread`, exactly, item by item.

    Attributes
    ----------
    total : float array of shape (N,)
        Mean over the item's annotations of |annotation - forecast|^2, in [0, 2].
    distance : float array of shape (N,)
        |vote shares - forecast|^2, in [0, 2]: what a better forecast can mend.
    spread : float array of shape (N,)
        1 - |vote shares|^2, the annotators' `disagreement`: what no forecast can mend.
    """

    total: np.ndarray
    distance: np.ndarray
    spread: np.ndarray


def annotation_brier_score(votes, y_prob):
    """Brier score of each item over its annotations, and its exact split.

    Convention: summed over all classes, so in [0, 2]; averaged over the item's annotations. The
    mean over <annotation, item> pairs weighs items by their votes, which the caller does.

    Parameters
    ----------
    votes : array-like of int, shape (N, C)
        Number of votes for each class; every item has at least one.
    y_prob : array-like of float, shape (N, C)
        Predicted probabilities; rows sum to 1.

    Returns
    -------
    AnnotationBrierScore

    Raises
    ------
    ValueError
        If an argument breaks the rules above, or the shapes differ.

    Notes
    -----
    The spread grows with any good uncertainty, and with it the total: a correlation of the total
    with an uncertainty says nothing of calibration. See `brier_by_uncertainty`.

    References
    ----------
    .. [1] Brier (1950), Verification of forecasts expressed in terms of probability,
       https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> score = annotation_brier_score([[3, 1]], [[0.5, 0.5]])
    >>> score.total, score.distance, score.spread
    (array([0.5]), array([0.125]), array([0.375]))
    """
    votes, y_prob = check_votes_and_probabilities(votes, y_prob)
    shares = vote_shares(votes)
    distance = np.square(shares - y_prob).sum(axis=1)
    spread = 1 - np.square(shares).sum(axis=1)
    return AnnotationBrierScore(distance + spread, distance, spread)
