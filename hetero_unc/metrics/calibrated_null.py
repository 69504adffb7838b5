"""What a figure comes to if the forecast is exactly right and only the votes are chance.

A figure that a calibrated forecaster also reaches proves nothing: hold it against this null.
"""

import numpy as np

from hetero_unc.checks import as_array, check_count, check_probabilities
from hetero_unc.metrics.disagreement import vote_shares
from hetero_unc.metrics.distances import jensen_shannon_distance
from hetero_unc.metrics.intervals import Interval, check_level

__all__ = ["calibrated_null", "redraw_votes", "resampling_floor"]


def redraw_votes(y_prob, votes_per_item, *, seed=0):
    """Votes of annotators who each draw their vote from the forecast.

    Convention: independent multinomial votes, item by item; rows are divided by their sums first.

    Parameters
    ----------
    y_prob : array-like of float, shape (N, C)
        Predicted probabilities; rows sum to 1.
    votes_per_item : int or array-like of int, shape (N,)
        Votes to draw for each item, >= 1.
    seed : int or numpy.random.Generator, default=0
        Same seed, same votes.

    Returns
    -------
    int64 array of shape (N, C)
        Rows sum to `votes_per_item`.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    Examples
    --------
    >>> redraw_votes([[1.0, 0.0], [0.0, 1.0]], [10, 3])
    array([[10,  0],
           [ 0,  3]])
    """
    y_prob = check_probabilities(y_prob)
    votes_per_item = _check_votes_per_item(votes_per_item, len(y_prob))
    y_prob = y_prob / y_prob.sum(axis=1, keepdims=True)
    return np.random.default_rng(seed).multinomial(votes_per_item, y_prob)


def calibrated_null(statistic, y_prob, votes_per_item, *, redraws=200, level=0.95, seed=0):
    """Distribution of a statistic of the votes, were they drawn from the forecast itself.

    Convention: the items and the forecast stay, the votes are redrawn; percentile interval.

    Parameters
    ----------
    statistic : callable
        `statistic(votes)` with `votes` of shape (N, C) returns a number or an array of numbers.
    y_prob, votes_per_item
        As for `redraw_votes`.
    redraws : int, default=200
        Number of sets of votes, >= 1.
    level : float, default=0.95
        Share of the redraws between `low` and `high`, in (0, 1).
    seed : int, default=0
        Same seed, same votes.

    Returns
    -------
    Interval
        `estimate` is the mean over the redraws.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    See Also
    --------
    bootstrap_interval : How sure a figure is; this says what figure to expect.

    References
    ----------
    .. [1] Bröcker and Smith (2007), Increasing the reliability of reliability diagrams
       (consistency resampling), https://doi.org/10.1175/WAF993.1

    Examples
    --------
    How much of the vote an even coin's favourite side gets, in two throws:

    >>> largest_share = lambda votes: vote_shares(votes).max(axis=1).mean()
    >>> null = calibrated_null(largest_share, [[0.5, 0.5]] * 1000, 2)
    >>> round(null.estimate, 2)
    0.75
    """
    y_prob = check_probabilities(y_prob)
    votes_per_item = _check_votes_per_item(votes_per_item, len(y_prob))
    redraws, level = check_count(redraws, name="redraws"), check_level(level)
    rng = np.random.default_rng(seed)
    values = np.stack(
        [
            np.asarray(statistic(redraw_votes(y_prob, votes_per_item, seed=rng)), np.float64)
            for _ in range(redraws)
        ]
    )
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    estimate = values.mean(axis=0)
    if estimate.ndim == 0:
        estimate, low, high = float(estimate), float(low), float(high)
    return Interval(estimate, low, high, level)


def resampling_floor(y_prob, votes_per_item, *, redraws=100, level=0.95, seed=0):
    """Mean Jensen-Shannon distance of votes redrawn from the forecast to the forecast.

    Convention: `calibrated_null` of the mean of `jensen_shannon_distance` over items. It is where a
    forecast of this sharpness would stand if it were right, and no bound: a sharper forecast, or
    one that has seen the votes, may stand lower.

    Parameters
    ----------
    y_prob, votes_per_item
        As for `redraw_votes`.
    redraws, level, seed
        As for `calibrated_null`.

    Returns
    -------
    Interval
        In [0, 0.8326].

    Raises
    ------
    ValueError
        As for `calibrated_null`.

    Examples
    --------
    One vote on an even coin lies as far from the coin as a certain side does:

    >>> floor = resampling_floor([[0.5, 0.5]], 1)
    >>> round(floor.estimate, 4), jensen_shannon_distance([[1, 0]], [[0.5, 0.5]]).round(4)
    (0.4645, array([0.4645]))
    """
    y_prob = check_probabilities(y_prob)

    def mean_distance(votes):
        return jensen_shannon_distance(vote_shares(votes), y_prob).mean()

    return calibrated_null(
        mean_distance, y_prob, votes_per_item, redraws=redraws, level=level, seed=seed
    )


def _check_votes_per_item(votes_per_item, items):
    counts = as_array(votes_per_item, name="votes_per_item")
    if counts.dtype.kind not in "iu" or counts.size == 0 or counts.min() < 1:
        raise ValueError(
            "`votes_per_item` must be integers >= 1. "
            f"Received: dtype={counts.dtype}, minimum={counts.min() if counts.size else None}"
        )
    if counts.shape not in {(), (items,)}:
        raise ValueError(
            f"`votes_per_item` must be one number or have shape ({items},). "
            f"Received: shape={counts.shape}"
        )
    return np.broadcast_to(counts, items)
