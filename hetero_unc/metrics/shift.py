"""Whether an uncertainty is higher where it should be: at errors, and at inputs from elsewhere.

AUROC is the chance that an uncertainty of the one kind exceeds one of the other. NumPy only.
"""

import numpy as np

from hetero_unc.checks import check_array
from hetero_unc.metrics.selective_prediction import errors_and_uncertainty

__all__ = ["error_detection_auroc", "out_of_distribution_auroc"]


def error_detection_auroc(y_true, y_prob, uncertainty=None):
    """Chance that a random error is more uncertain than a random hit.

    Convention: a tie counts one half; of equal probabilities the first class is the predicted one.

    Parameters
    ----------
    y_true : array-like of int, shape (n_samples,)
        True class of each item, in [0, n_classes).
    y_prob : array-like of float, shape (n_samples, n_classes)
        Predicted probabilities; rows sum to 1.
    uncertainty : array-like of float, shape (n_samples,), optional
        Any finite numbers, only their order matters; 1 - the largest probability if not given.

    Returns
    -------
    float
        In [0, 1]; 1 is best, 0.5 is chance. Models with different errors are asked different
        questions: a better model may score lower here.

    Raises
    ------
    ValueError
        If an argument breaks the rules above; if all predictions are right, or all wrong, where the
        AUROC is undefined.

    References
    ----------
    .. [1] Hendrycks and Gimpel (2017), A baseline for detecting misclassified and
       out-of-distribution examples in neural networks, https://arxiv.org/abs/1610.02136

    Examples
    --------
    >>> y_prob = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]
    >>> error_detection_auroc([0, 1, 0], y_prob)
    0.5
    >>> error_detection_auroc([0, 1, 0], y_prob, uncertainty=[0.0, 1.0, 0.0])
    1.0
    """
    errors, uncertainty = errors_and_uncertainty(y_true, y_prob, uncertainty)
    wrong = errors == 1
    if wrong.all() or not wrong.any():
        raise ValueError(
            "The AUROC of errors is undefined: `y_prob` must be right on some items and wrong on "
            f"others. Received: {np.count_nonzero(wrong)} errors among {len(wrong)} items"
        )
    return _chance_of_exceeding(uncertainty[wrong], uncertainty[~wrong])


def out_of_distribution_auroc(uncertainty_in, uncertainty_out):
    """Chance that a random input from elsewhere is more uncertain than one of the data's own.

    Convention: a tie counts one half.

    Parameters
    ----------
    uncertainty_in : array-like of float, shape (n_in,)
        Of inputs like the training data. Any finite numbers, only their order matters.
    uncertainty_out : array-like of float, shape (n_out,)
        Of inputs from another source.

    Returns
    -------
    float
        In [0, 1]; 1 is best, 0.5 is chance.

    Raises
    ------
    ValueError
        If an argument is empty, not finite or not of one axis.

    References
    ----------
    .. [1] Hendrycks and Gimpel (2017), https://arxiv.org/abs/1610.02136

    Examples
    --------
    >>> out_of_distribution_auroc([0.1, 0.2], [0.2, 0.3])
    0.875
    """
    uncertainty_in = check_array(uncertainty_in, name="uncertainty_in", ndim=1)
    uncertainty_out = check_array(uncertainty_out, name="uncertainty_out", ndim=1)
    return _chance_of_exceeding(uncertainty_out, uncertainty_in)


def _chance_of_exceeding(higher, lower):
    """P(higher > lower) + P(higher = lower) / 2 over all pairs, without forming them."""
    lower = np.sort(lower)
    below = np.searchsorted(lower, higher, side="left")
    not_above = np.searchsorted(lower, higher, side="right")
    return float((below + not_above).mean() / (2 * len(lower)))
