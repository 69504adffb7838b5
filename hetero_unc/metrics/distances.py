"""How far a forecast is from the shares of the votes, item by item. NumPy only.

A mean over items and its interval are the caller's, with `hetero_unc.metrics.bootstrap_interval`.
"""

import numpy as np

from hetero_unc.checks import check_label_distributions, check_probabilities

__all__ = [
    "jensen_shannon_distance",
    "jensen_shannon_divergence",
    "total_variation_distance",
]


def jensen_shannon_divergence(shares, y_prob):
    """Jensen-Shannon divergence of two distributions over the classes, item by item.

    Convention: natural logarithm; H[m] - H[shares] / 2 - H[y_prob] / 2 with m their mean; rows are
    divided by their sums first, as SciPy does.

    Parameters
    ----------
    shares : array-like of float, shape (N, C)
        Vote shares, or any distributions; rows sum to 1.
    y_prob : array-like of float, shape (N, C)
        Predicted probabilities; rows sum to 1.

    Returns
    -------
    float array of shape (N,)
        Nats, in [0, log 2]; 0 where the two are equal.

    Raises
    ------
    ValueError
        If an argument breaks the rules above, or the shapes differ.

    Notes
    -----
    With finitely many votes a perfect forecast is not at 0: `resampling_floor` says where it is.

    References
    ----------
    .. [1] Lin (1991), Divergence measures based on the Shannon entropy,
       https://doi.org/10.1109/18.61115

    Examples
    --------
    >>> jensen_shannon_divergence([[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]).round(4)
    array([0.6931, 0.    ])
    """
    shares, y_prob = _check_shares(shares, y_prob)
    shares = shares / shares.sum(axis=1, keepdims=True)
    y_prob = y_prob / y_prob.sum(axis=1, keepdims=True)
    middle = (shares + y_prob) / 2
    divergence = (_relative_entropy(shares, middle) + _relative_entropy(y_prob, middle)) / 2
    return np.maximum(divergence, 0.0)


def jensen_shannon_distance(shares, y_prob):
    """Square root of `jensen_shannon_divergence`: a metric, and what FER+ figures are given in.

    Convention: that of `jensen_shannon_divergence`; `scipy.spatial.distance.jensenshannon`.

    Parameters
    ----------
    shares, y_prob
        As for `jensen_shannon_divergence`.

    Returns
    -------
    float array of shape (N,)
        In [0, sqrt(log 2)] = [0, 0.8326].

    Raises
    ------
    ValueError
        As for `jensen_shannon_divergence`.

    References
    ----------
    .. [1] Endres and Schindelin (2003), A new metric for probability distributions,
       https://doi.org/10.1109/TIT.2003.813506

    Examples
    --------
    >>> jensen_shannon_distance([[1.0, 0.0]], [[0.0, 1.0]]).round(4)
    array([0.8326])
    """
    return np.sqrt(jensen_shannon_divergence(shares, y_prob))


def total_variation_distance(shares, y_prob):
    """Half the summed absolute difference of two distributions over the classes, item by item.

    Convention: the largest difference that the two give to any set of classes.

    Parameters
    ----------
    shares, y_prob
        As for `jensen_shannon_divergence`.

    Returns
    -------
    float array of shape (N,)
        In [0, 1]; 0 where the two are equal.

    Raises
    ------
    ValueError
        As for `jensen_shannon_divergence`.

    References
    ----------
    .. [1] Gibbs and Su (2002), On choosing and bounding probability metrics,
       https://arxiv.org/abs/math/0209021

    Examples
    --------
    >>> total_variation_distance([[0.75, 0.25]], [[0.5, 0.5]])
    array([0.25])
    """
    shares, y_prob = _check_shares(shares, y_prob)
    return np.abs(shares - y_prob).sum(axis=1) / 2


def _check_shares(shares, y_prob):
    """Return `(shares, y_prob)` as distributions of one shape (N, C), float64."""
    shares = check_label_distributions(shares, name="shares").astype(np.float64)
    y_prob = check_probabilities(y_prob)
    if shares.shape != y_prob.shape:
        raise ValueError(
            "`shares` and `y_prob` must have the same shape. "
            f"Received: shares.shape={shares.shape}, y_prob.shape={y_prob.shape}"
        )
    return shares, y_prob


def _relative_entropy(p, q):
    """sum p log(p / q) over the last axis; q > 0 wherever p > 0."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return (p * np.log(ratio)).sum(axis=-1)
