"""The highest correlation with a quantity of the votes that anybody could reach. NumPy and SciPy.

Ten votes are a noisy reading of the crowd. With s a quantity of an item's votes, such as their
disagreement, and E[s | item] its mean over crowds of that size, who knew each item's crowd exactly
would correlate with s by sqrt(Var E[s | item] / Var s): the ceiling, the root of the reliability.
"""

import numpy as np

from hetero_unc.checks import check_count, check_votes
from hetero_unc.metrics.association import pearson
from hetero_unc.metrics.calibrated_null import redraw_votes
from hetero_unc.metrics.disagreement import check_repeated_votes, disagreement

__all__ = [
    "dirichlet_multinomial_ceiling",
    "fit_dirichlet_multinomial",
    "moment_ceiling",
    "split_half_ceiling",
]

# The hypergeometric draws of NumPy take fewer.
MOST_VOTES_TO_HALVE = 10**9
# Logarithms of the parameters: a class that nobody voted for would go to minus infinity.
LOG_PARAMETER_BOUNDS = (-15.0, 15.0)


def moment_ceiling(votes):
    """Ceiling of the correlation with `disagreement`, without model and without draws.

    Convention: Var E[d | item] from unbiased estimates of p_j^2 p_k^2, which take four different
    votes of an item, so that items with fewer than 4 votes are left out; the reliability is cut to
    [0, 1]. NaN where all items have the same disagreement.

    Parameters
    ----------
    votes : array-like of int, shape (N, C)
        Number of votes for each class; every item has at least one, two items at least 4.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If `votes` break the rules above.

    Notes
    -----
    With x^(m) = x (x - 1) ... (x - m + 1) and n votes, n_k^(2) / n^(2) estimates p_k^2 without
    bias, n_j^(2) n_k^(2) / n^(4) estimates p_j^2 p_k^2 and n_k^(4) / n^(4) estimates p_k^4. With a
    fixed n the mean of d is (n - 1) / n times the crowd's disagreement.

    Examples
    --------
    >>> moment_ceiling([[10, 0], [5, 5], [10, 0], [5, 5]])
    1.0
    >>> round(moment_ceiling([[10, 0], [8, 2], [5, 5], [9, 1]]), 4)
    0.7662
    """
    votes = check_repeated_votes(votes, fewest=4, items=2).astype(np.float64)
    total = votes.sum(axis=1)
    pairs = votes * (votes - 1)
    triples = pairs * (votes - 2)
    agreement = pairs.sum(axis=1) / (total * (total - 1))
    # (n_k^(2))^2 = n_k^(4) + 4 n_k^(3) + 2 n_k^(2)
    squared_agreement = pairs.sum(axis=1) ** 2 - 4 * triples.sum(axis=1) - 2 * pairs.sum(axis=1)
    squared_agreement /= total * (total - 1) * (total - 2) * (total - 3)
    finite = (total - 1) / total
    mean = (finite * (1 - agreement)).mean()
    square = (finite**2 * (1 - 2 * agreement + squared_agreement)).mean()
    observed = disagreement(votes)
    if np.ptp(observed) == 0:
        return float("nan")
    return float(np.sqrt(np.clip((square - mean**2) / observed.var(), 0.0, 1.0)))


def split_half_ceiling(votes, *, statistic=disagreement, splits=100, seed=0):
    """Ceiling from the correlation r of two random halves of each item's votes.

    Convention: r averaged over the splits, then sqrt(2 r / (1 + r)) (Spearman and Brown), 0 where r
    is negative. Of an odd number of votes the second half gets one more; items with one vote, or
    whose statistic is NaN in a half, are left out. Spearman and Brown hold for a quantity that is
    the mean of its halves; disagreement is not, and its ceiling comes out too low by .01 or .02:
    compare `moment_ceiling`.

    Parameters
    ----------
    votes : array-like of int, shape (N, C)
        Number of votes for each class; every item has at least one and fewer than 1e9, two items
        at least 2.
    statistic : callable, default=disagreement
        `statistic(votes)` of shape (N,), such as `label_entropy`.
    splits : int, default=100
        Number of random splits, >= 1.
    seed : int, default=0
        Same seed, same splits.

    Returns
    -------
    float
        In [0, 1]. NaN where a half has the same statistic for all items.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    References
    ----------
    .. [1] Spearman (1910), Correlation calculated from faulty data,
       https://doi.org/10.1111/j.2044-8295.1910.tb00206.x
    .. [2] Brown (1910), Some experimental results in the correlation of mental abilities,
       https://doi.org/10.1111/j.2044-8295.1910.tb00207.x

    Examples
    --------
    >>> 0.5 < split_half_ceiling([[10, 0], [8, 2], [5, 5], [9, 1]]) < 1
    True
    """
    total = check_votes(votes).sum(axis=1)
    if total.max() >= MOST_VOTES_TO_HALVE:
        raise ValueError(
            f"Every row of `votes` must hold fewer than {MOST_VOTES_TO_HALVE} votes. Received: row "
            f"{total.argmax()} holds {total.max()}"
        )
    votes = check_repeated_votes(votes, fewest=2, items=2)
    splits = check_count(splits, name="splits")
    rng = np.random.default_rng(seed)
    correlations = []
    for _ in range(splits):
        half = _draw_half(votes, rng)
        first, second = statistic(half), statistic(votes - half)
        kept = np.isfinite(first) & np.isfinite(second)
        correlations.append(pearson(first[kept], second[kept]))
    mean = max(float(np.mean(correlations)), 0.0)
    return float(np.sqrt(2 * mean / (1 + mean)))


def dirichlet_multinomial_ceiling(votes, *, statistic=disagreement, draws=100, seed=0):
    """Ceiling from a model of the crowds: each item's probabilities drawn from one Dirichlet.

    Convention: each draw takes every item's probabilities from their posterior and redraws its
    votes from them; the correlation r of the statistic of the two sets of votes estimates the
    reliability. r is averaged over the draws that have one, which a draw has not whose redrawn
    statistic is the same for all items; the ceiling is sqrt(r), 0 where r is negative.

    Parameters
    ----------
    votes : array-like of int, shape (N, C)
        Number of votes for each class; every item has at least one, two items at least 2.
    statistic : callable, default=disagreement
        `statistic(votes)` of shape (N,); NaN leaves an item out.
    draws : int, default=100
        Number of posterior draws, >= 1.
    seed : int, default=0
        Same seed, same draws.

    Returns
    -------
    float
        In [0, 1]. NaN where all items have the same statistic, in `votes` or in every draw.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    Notes
    -----
    Exact in the mean if the crowds do come from one Dirichlet. The crowds of a mixture, such as
    easy and hard items, are shrunk too much, and the ceiling comes out a little low.

    References
    ----------
    .. [1] Mosimann (1962), On the compound multinomial distribution,
       https://doi.org/10.1093/biomet/49.1-2.65

    Examples
    --------
    >>> votes = [[100, 0], [0, 100], [100, 0], [40, 60]]
    >>> 0.8 < dirichlet_multinomial_ceiling(votes) < 1
    True
    """
    votes = check_votes(votes)
    draws = check_count(draws, name="draws")
    parameters = fit_dirichlet_multinomial(votes)
    observed = statistic(votes)
    kept = np.isfinite(observed)
    rng = np.random.default_rng(seed)
    correlations = []
    for _ in range(draws):
        gammas = rng.standard_gamma(votes + parameters)
        probabilities = gammas / gammas.sum(axis=1, keepdims=True)
        redrawn = statistic(redraw_votes(probabilities, votes.sum(axis=1), seed=rng))
        correlations.append(pearson(observed[kept], redrawn[kept]))
    defined = [correlation for correlation in correlations if np.isfinite(correlation)]
    if not defined:
        return float("nan")
    return float(np.sqrt(max(float(np.mean(defined)), 0.0)))


def fit_dirichlet_multinomial(votes):
    """Parameters of the Dirichlet that the items' probabilities come from, by maximum likelihood.

    Convention: all items share one Dirichlet; a class without any vote gets a parameter near 0.

    Parameters
    ----------
    votes : array-like of int, shape (N, C)
        Number of votes for each class; every item has at least one, two items at least 2.

    Returns
    -------
    float array of shape (C,)
        Positive. The smaller their sum, the more single-minded the items' crowds.

    Raises
    ------
    ValueError
        If `votes` break the rules above.

    References
    ----------
    .. [1] Minka (2000), Estimating a Dirichlet distribution (the gradient),
       https://tminka.github.io/papers/dirichlet/minka-dirichlet.pdf

    Examples
    --------
    Split evenly wherever one looks: each crowd is nearly the same fair coin.

    >>> bool((fit_dirichlet_multinomial([[5, 5], [5, 5], [6, 4], [4, 6]]) > 1000).all())
    True
    """
    from scipy import optimize, special  # not at the top: importing the room must stay quick

    check_repeated_votes(votes, fewest=2, items=2)
    # Items with one vote say nothing of how crowds differ, and something of the classes' shares.
    votes = check_votes(votes)
    total = votes.sum(axis=1)

    def cost_and_gradient(logarithms):
        parameters = np.exp(logarithms)
        whole = parameters.sum()
        gained = special.gammaln(votes + parameters) - special.gammaln(parameters)
        likelihood = gained.sum() - (special.gammaln(whole + total) - special.gammaln(whole)).sum()
        slope = (special.digamma(votes + parameters) - special.digamma(parameters)).sum(axis=0)
        slope -= (special.digamma(whole + total) - special.digamma(whole)).sum()
        return -likelihood / len(votes), -slope * parameters / len(votes)

    shares = votes.sum(axis=0) / votes.sum()
    start = np.log(np.maximum(shares, 1e-3))
    bounds = [LOG_PARAMETER_BOUNDS] * votes.shape[1]
    found = optimize.minimize(cost_and_gradient, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.exp(found.x)


def _draw_half(votes, rng):
    """Half of each item's votes, drawn without replacement: a class at a time."""
    half = np.zeros_like(votes)
    left, others = votes.sum(axis=1) // 2, votes.sum(axis=1)
    for label in range(votes.shape[1]):
        others = others - votes[:, label]
        half[:, label] = rng.hypergeometric(votes[:, label], others, left)
        left = left - half[:, label]
    return half
