"""Scores of probabilities against the truth: accuracy, log loss, Brier score. NumPy only."""

import numpy as np

from hetero_unc.checks import (
    as_array,
    check_label_distributions,
    check_predictions,
    check_probabilities,
)

__all__ = ["accuracy", "brier_score", "log_loss"]

# The smallest normal float32: what is cut off is what a float32 softmax cannot tell from 0.
SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)


def accuracy(y_true, y_prob):
    """Share of items whose most probable class is the true one.

    Convention: of equal probabilities the first class is the predicted one, as in Keras.

    Parameters
    ----------
    y_true : array-like of int, shape (n_samples,)
        True class of each item, in [0, n_classes).
    y_prob : array-like of float, shape (n_samples, n_classes)
        Predicted probabilities; rows sum to 1.

    Returns
    -------
    float
        In [0, 1]; 1 is best.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    Examples
    --------
    >>> accuracy([0, 1], [[0.75, 0.25], [0.75, 0.25]])
    0.5
    """
    y_true, y_prob = check_predictions(y_true, y_prob)
    return float((y_prob.argmax(axis=1) == y_true).mean())


def log_loss(y_true, y_prob):
    """Mean of -log of the probability of the true class, in nats.

    Convention: a probability below 1.18e-38, the smallest normal float32, counts as that, so that
    what was declared impossible and happened costs 87.3 nats and not infinity.

    Parameters
    ----------
    y_true : array-like, int of shape (n_samples,) or float of shape (n_samples, n_classes)
        True class of each item; or a distribution over the classes, such as vote shares, of which
        the cross-entropy is taken.
    y_prob : array-like of float, shape (n_samples, n_classes)
        Predicted probabilities; rows sum to 1.

    Returns
    -------
    float
        Nats, >= 0 up to rounding; 0 is best for classes, the mean entropy of the labels for
        distributions.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    References
    ----------
    .. [1] Gneiting and Raftery (2007), Strictly proper scoring rules, prediction, and estimation,
       https://doi.org/10.1198/016214506000001437

    Examples
    --------
    >>> round(log_loss([0, 1], [[0.5, 0.5], [0.5, 0.5]]), 4)
    0.6931
    >>> round(log_loss([[0.5, 0.5]], [[0.5, 0.5]]), 4)
    0.6931
    """
    truth, y_prob = _distributions(y_true, y_prob)
    cost = -np.log(np.maximum(y_prob, SMALLEST_PROBABILITY))
    return float((truth * cost).sum(axis=1).mean())


def brier_score(y_true, y_prob):
    """Squared distance of the probabilities to the truth, summed over classes, averaged over items.

    Convention: the sum over all classes, Brier's own, so in [0, 2]; with two classes it is twice
    the one-column score that is common for them.

    Parameters
    ----------
    y_true : array-like, int of shape (n_samples,) or float of shape (n_samples, n_classes)
        True class of each item; or a distribution v over the classes, such as vote shares: then
        |v - y_prob|^2, which leaves out the voters' own spread, 1 - |v|^2.
    y_prob : array-like of float, shape (n_samples, n_classes)
        Predicted probabilities; rows sum to 1.

    Returns
    -------
    float
        In [0, 2]; 0 is best.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    See Also
    --------
    hetero_unc.training.streaming_metrics.BrierScore : The same while training.

    References
    ----------
    .. [1] Brier (1950), Verification of forecasts expressed in terms of probability,
       https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> brier_score([0, 1], [[0.5, 0.5], [0.5, 0.5]])
    0.5
    """
    truth, y_prob = _distributions(y_true, y_prob)
    return float(((truth - y_prob) ** 2).sum(axis=1).mean())


def _distributions(y_true, y_prob):
    """`y_true` and `y_prob` as distributions of shape (N, C), float64."""
    y_true = as_array(y_true, name="y_true")
    if y_true.ndim != 2:
        y_true, y_prob = check_predictions(y_true, y_prob)
        return np.eye(y_prob.shape[1])[y_true], y_prob
    y_prob = check_probabilities(y_prob)
    truth = check_label_distributions(y_true, name="y_true").astype(np.float64)
    if truth.shape != y_prob.shape:
        raise ValueError(
            "`y_true` and `y_prob` must have the same shape. "
            f"Received: y_true.shape={truth.shape}, y_prob.shape={y_prob.shape}"
        )
    return truth, y_prob
