"""What an uncertainty is worth when the most doubtful items may be refused. NumPy only.

Ties stand as blocks: within a block of equal uncertainty the risk is its expectation over random
orders of the block, so that the order of the items cannot matter.
"""

import dataclasses

import numpy as np

from hetero_unc.checks import check_predictions, check_uncertainty

__all__ = [
    "AccuracyAtCoverage",
    "RiskCoverageCurve",
    "accuracy_at_coverage",
    "area_under_risk_coverage_curve",
    "excess_area_under_risk_coverage_curve",
    "risk_coverage_curve",
]


@dataclasses.dataclass(frozen=True)
class RiskCoverageCurve:
    """One entry for each number of items kept, from 1 to n_samples.

    Attributes
    ----------
    coverage : float array of shape (n_samples,)
        Share of the items kept, 1 / n_samples to 1.
    risk : float array of shape (n_samples,)
        Share of errors among the items kept; expected, where the last kept share their uncertainty
        with some that are refused.
    threshold : float array of shape (n_samples,)
        Largest uncertainty kept.
    """

    coverage: np.ndarray
    risk: np.ndarray
    threshold: np.ndarray


@dataclasses.dataclass(frozen=True)
class AccuracyAtCoverage:
    """What refusing the most doubtful items gains.

    Attributes
    ----------
    kept : int
        Number of items kept.
    accuracy : float
        Share of hits among the items kept; expected, where the last kept are tied with some that
        are refused.
    accuracy_of_all : float
        Share of hits among all items of the same predictions.
    gain : float
        `accuracy - accuracy_of_all`, in [-1, 1]. Like for like: not against another model's.
    accuracy_of_refused : float
        Share of hits among the items refused; NaN if all are kept.
    random_low, random_high : float
        Between them lie 95 % of the gains of refusing as many items at random, whose mean is 0.
    """

    kept: int
    accuracy: float
    accuracy_of_all: float
    gain: float
    accuracy_of_refused: float
    random_low: float
    random_high: float


def risk_coverage_curve(y_true, y_prob, uncertainty=None):
    """Share of errors among the k least uncertain items, for every k.

    Convention: within a block of tied uncertainties the risk is its expectation over random orders;
    of equal probabilities the first class is the predicted one.

    Parameters
    ----------
    y_true : array-like of int, shape (n_samples,)
        True class of each item, in [0, n_classes).
    y_prob : array-like of float, shape (n_samples, n_classes)
        Predicted probabilities; rows sum to 1.
    uncertainty : array-like of float, shape (n_samples,), optional
        What to refuse first: any finite numbers, only their order matters. 1 - the largest
        probability if not given.

    Returns
    -------
    RiskCoverageCurve

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    References
    ----------
    .. [1] El-Yaniv and Wiener (2010), On the foundations of noise-free selective classification,
       https://jmlr.org/papers/v11/el-yaniv10a.html
    .. [2] Geifman and El-Yaniv (2017), Selective classification for deep neural networks,
       https://arxiv.org/abs/1705.08500

    Examples
    --------
    >>> y_prob = [[0.9, 0.1], [0.8, 0.2], [0.8, 0.2], [0.6, 0.4]]
    >>> curve = risk_coverage_curve([0, 0, 1, 0], y_prob)
    >>> curve.coverage
    array([0.25, 0.5 , 0.75, 1.  ])
    >>> curve.risk.round(3)
    array([0.   , 0.25 , 0.333, 0.25 ])
    """
    errors, uncertainty = errors_and_uncertainty(y_true, y_prob, uncertainty)
    order = np.argsort(uncertainty)
    errors, threshold = errors[order], uncertainty[order]
    _, block, size = np.unique(threshold, return_inverse=True, return_counts=True)
    expected = (np.bincount(block, weights=errors) / size)[block]
    kept = np.arange(1, len(errors) + 1)
    return RiskCoverageCurve(kept / len(errors), np.cumsum(expected) / kept, threshold)


def accuracy_at_coverage(y_true, y_prob, uncertainty=None, *, coverage=0.75):
    """Accuracy of the least uncertain items, beside that of all and of a random choice.

    Convention: floor(coverage * n_samples) items are kept, one at least; ties as in
    `risk_coverage_curve`; the random control is exact (hypergeometric), not drawn.

    Parameters
    ----------
    y_true, y_prob, uncertainty
        As for `risk_coverage_curve`.
    coverage : float, default=0.75
        Share of the items to keep, in (0, 1].

    Returns
    -------
    AccuracyAtCoverage

    Raises
    ------
    ValueError
        As for `risk_coverage_curve`; if `coverage` is not in (0, 1].

    References
    ----------
    .. [1] El-Yaniv and Wiener (2010), https://jmlr.org/papers/v11/el-yaniv10a.html

    Examples
    --------
    >>> y_prob = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]]
    >>> result = accuracy_at_coverage([0, 0, 0, 1], y_prob)
    >>> result.kept, result.accuracy, result.gain, result.accuracy_of_refused
    (3, 1.0, 0.25, 0.0)
    """
    from scipy import stats  # not at the top: importing the room must stay quick

    if isinstance(coverage, bool) or not isinstance(coverage, (int, float, np.number)):
        raise ValueError(f"`coverage` must be a number in (0, 1]. Received: coverage={coverage!r}")
    if not 0 < coverage <= 1:
        raise ValueError(f"`coverage` must lie in (0, 1]. Received: coverage={coverage!r}")
    risk = risk_coverage_curve(y_true, y_prob, uncertainty).risk
    items = len(risk)
    hits = round((1 - risk[-1]) * items)
    kept = max(int(np.floor(coverage * items)), 1)
    accuracy, accuracy_of_all = 1 - risk[kept - 1], hits / items
    refused = items - kept
    low, high = stats.hypergeom.ppf([0.025, 0.975], items, hits, kept) / kept - accuracy_of_all
    return AccuracyAtCoverage(
        kept=kept,
        accuracy=float(accuracy),
        accuracy_of_all=accuracy_of_all,
        gain=float(accuracy - accuracy_of_all),
        accuracy_of_refused=float((hits - accuracy * kept) / refused) if refused else float("nan"),
        random_low=float(low),
        random_high=float(high),
    )


def area_under_risk_coverage_curve(y_true, y_prob, uncertainty=None):
    """Mean over all coverages of the share of errors among the items kept (AURC).

    Convention: the mean of the n_samples risks of `risk_coverage_curve`, which is the expectation
    of the area over random orders of tied items.

    Parameters
    ----------
    y_true, y_prob, uncertainty
        As for `risk_coverage_curve`.

    Returns
    -------
    float
        In [0, 1]; 0 is best. It mixes how often the model errs with how well its uncertainty ranks;
        the excess area shows the second alone.

    Raises
    ------
    ValueError
        As for `risk_coverage_curve`.

    References
    ----------
    .. [1] Geifman, Uziel and El-Yaniv (2019), Bias-reduced uncertainty estimation for deep neural
       classifiers, https://arxiv.org/abs/1805.08206

    Examples
    --------
    >>> y_prob = [[0.9, 0.1], [0.8, 0.2]]
    >>> area_under_risk_coverage_curve([0, 1], y_prob)
    0.25
    >>> area_under_risk_coverage_curve([0, 1], y_prob, uncertainty=[1.0, 1.0])
    0.5
    """
    return float(risk_coverage_curve(y_true, y_prob, uncertainty).risk.mean())


def excess_area_under_risk_coverage_curve(y_true, y_prob, uncertainty=None):
    """AURC, less that of an uncertainty that puts every error last (E-AURC).

    Convention: that of `area_under_risk_coverage_curve`; the best area is exact for n_samples, not
    the reference's limit r + (1 - r) log(1 - r) at error rate r.

    Parameters
    ----------
    y_true, y_prob, uncertainty
        As for `risk_coverage_curve`.

    Returns
    -------
    float
        In [0, 1], up to rounding; 0 is best.

    Raises
    ------
    ValueError
        As for `risk_coverage_curve`.

    References
    ----------
    .. [1] Geifman, Uziel and El-Yaniv (2019), https://arxiv.org/abs/1805.08206

    Examples
    --------
    >>> excess_area_under_risk_coverage_curve([0, 1], [[0.9, 0.1], [0.8, 0.2]])
    0.0
    >>> excess_area_under_risk_coverage_curve([1, 0], [[0.9, 0.1], [0.8, 0.2]])
    0.5
    """
    errors, uncertainty = errors_and_uncertainty(y_true, y_prob, uncertainty)
    best = area_under_risk_coverage_curve(y_true, y_prob, uncertainty=errors)
    return area_under_risk_coverage_curve(y_true, y_prob, uncertainty) - best


def errors_and_uncertainty(y_true, y_prob, uncertainty):
    """1.0 for each error and 0.0 for each hit, and the uncertainty, each of shape (N,)."""
    y_true, y_prob = check_predictions(y_true, y_prob)
    if uncertainty is None:
        uncertainty = 1 - y_prob.max(axis=1)
    errors = (y_prob.argmax(axis=1) != y_true).astype(np.float64)
    return errors, check_uncertainty(uncertainty, len(errors))
