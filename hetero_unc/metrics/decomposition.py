"""The parts of doubt: of the entropy of a prediction, and of the variance of its logits.

NumPy only. Entropies in nats.
"""

import dataclasses

import numpy as np

from hetero_unc.checks import as_array, check_array, check_count, check_probabilities

__all__ = [
    "EntropyDecomposition",
    "LogitVarianceDecomposition",
    "entropy",
    "entropy_decomposition",
    "logit_variance_decomposition",
]


@dataclasses.dataclass(frozen=True)
class EntropyDecomposition:
    """`total = epistemic + logit_noise + within_draw`; `aleatoric` is the sum of the last two.

    Attributes
    ----------
    total, epistemic, logit_noise, within_draw, aleatoric : float arrays of shape (N,)
        Nats, or shares of log C; each >= 0 up to rounding, and not cut there, so that they add up.
    """

    total: np.ndarray
    epistemic: np.ndarray
    logit_noise: np.ndarray
    within_draw: np.ndarray
    aleatoric: np.ndarray

    def as_share(self, num_classes):
        """The same parts as shares of log C, the entropy of knowing nothing.

        Parameters
        ----------
        num_classes : int
            C, >= 2.

        Returns
        -------
        EntropyDecomposition
            Each part in [0, 1] up to rounding.

        Raises
        ------
        ValueError
            If `num_classes` is below 2.
        """
        largest = np.log(check_count(num_classes, name="num_classes", minimum=2))
        return EntropyDecomposition(**{name: part / largest for name, part in vars(self).items()})


@dataclasses.dataclass(frozen=True)
class LogitVarianceDecomposition:
    """`total = epistemic + aleatoric`, variances of each logit.

    Attributes
    ----------
    total, epistemic, aleatoric : float arrays of shape (N, C)
        In squared units of the logits; each >= 0.
    """

    total: np.ndarray
    epistemic: np.ndarray
    aleatoric: np.ndarray


def entropy(probabilities):
    """Entropy over the last axis.

    Convention: natural logarithm, 0 log 0 = 0.

    Parameters
    ----------
    probabilities : array-like of float, shape (..., C)
        Rows along the last axis sum to 1; C >= 2.

    Returns
    -------
    float array of shape (...)
        Nats, in [0, log C] up to rounding.

    Raises
    ------
    ValueError
        If `probabilities` are empty, not finite, negative or do not sum to 1.

    Examples
    --------
    >>> entropy([[0.5, 0.5], [1.0, 0.0]]).round(4)
    array([0.6931, 0.    ])
    """
    probabilities = as_array(probabilities, name="probabilities")
    ndim = max(probabilities.ndim, 1)
    return _entropy(check_probabilities(probabilities, name="probabilities", ndim=ndim))


def entropy_decomposition(probabilities, draw_entropy=None):
    """Split the entropy of the mean prediction into what passes, noise and chance contribute.

    With W the dropout masks (passes) and z the noise of the logits (draws):

        total        H[E_W E_z p]
        epistemic    H[E_W E_z p] - E_W H[E_z p]     mutual information of label and mask
        logit_noise  E_W H[E_z p] - E_W E_z H[p]     of label and logits, given the mask
        within_draw  E_W E_z H[p]
        aleatoric    logit_noise + within_draw

    Convention: plug-in estimates from P passes, not corrected. P passes bias `total` and with it
    `epistemic` downward, by sum_k Var_W[p_k] / (2 P mean_k) to first order, which is at most
    (C - 1) / (2 P) nats; the other parts are unbiased in P. With one pass `epistemic` is 0.

    Parameters
    ----------
    probabilities : array-like of float, shape (P, N, C)
        Predictions of each pass, the noise of the logits averaged out; rows sum to 1.
    draw_entropy : array-like of float, shape (P, N), optional
        E_z H[p] of each pass, nats. Without it there is no noise of the logits: `logit_noise` is 0
        and `within_draw` all of `aleatoric`.

    Returns
    -------
    EntropyDecomposition

    Raises
    ------
    ValueError
        If an argument breaks the rules above, or an entropy is outside [0, log C].

    References
    ----------
    .. [1] Depeweg, Hernández-Lobato, Doshi-Velez and Udluft (2018), Decomposition of uncertainty in
       Bayesian deep learning, https://arxiv.org/abs/1710.07283
    .. [2] Houlsby, Huszár, Ghahramani and Lengyel (2011), Bayesian active learning for
       classification and preference learning, https://arxiv.org/abs/1112.5745

    Examples
    --------
    Two passes that are sure of different classes: all doubt is epistemic.

    >>> parts = entropy_decomposition([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> parts.epistemic.round(4), parts.aleatoric
    (array([0.6931]), array([0.]))

    One pass whose draws are each sure, half of them of either class: all of it is logit noise.

    >>> parts = entropy_decomposition([[[0.5, 0.5]]], draw_entropy=[[0.0]])
    >>> parts.logit_noise.round(4), parts.within_draw
    (array([0.6931]), array([0.]))
    """
    probabilities = check_probabilities(probabilities, name="probabilities", ndim=3)
    total = _entropy(probabilities.mean(axis=0))
    aleatoric = _entropy(probabilities).mean(axis=0)
    within_draw = aleatoric
    if draw_entropy is not None:
        within_draw = _check_draw_entropy(draw_entropy, probabilities.shape).mean(axis=0)
    return EntropyDecomposition(
        total=total,
        epistemic=total - aleatoric,
        logit_noise=aleatoric - within_draw,
        within_draw=within_draw,
        aleatoric=aleatoric,
    )


def logit_variance_decomposition(loc, scale):
    """Split the variance of each logit by the law of total variance.

    Convention: `aleatoric` is the mean over passes of scale^2, `epistemic` the variance over passes
    of loc, divided by P and not P - 1: the variance of the mixture of the P Normals exactly, and
    (P - 1) / P of that of all masks on average.

    Parameters
    ----------
    loc, scale : array-like of float, shape (P, N, C)
        Of the Gaussian logits of each pass; `scale` is a standard deviation, >= 0.

    Returns
    -------
    LogitVarianceDecomposition

    Raises
    ------
    ValueError
        If an argument is empty, not finite or not of three axes, the shapes differ, or `scale` is
        negative somewhere.

    Notes
    -----
    Logits are free up to a constant per item, which the softmax removes: a variance that all
    classes of an item share through `loc` says nothing of the prediction.

    References
    ----------
    .. [1] Kendall and Gal (2017), What uncertainties do we need in Bayesian deep learning for
       computer vision?, https://arxiv.org/abs/1703.04977

    Examples
    --------
    >>> parts = logit_variance_decomposition([[[1.0, 0.0]], [[3.0, 0.0]]], [[[2.0, 1.0]]] * 2)
    >>> parts.epistemic, parts.aleatoric, parts.total
    (array([[1., 0.]]), array([[4., 1.]]), array([[5., 1.]]))
    """
    loc = check_array(loc, name="loc", ndim=3).astype(np.float64)
    scale = check_array(scale, name="scale", ndim=3).astype(np.float64)
    if loc.shape != scale.shape:
        raise ValueError(
            "`loc` and `scale` must have the same shape. "
            f"Received: loc.shape={loc.shape}, scale.shape={scale.shape}"
        )
    if scale.min() < 0:
        raise ValueError(f"`scale` must be >= 0. Received: minimum={scale.min():.6g}")
    epistemic, aleatoric = loc.var(axis=0), np.square(scale).mean(axis=0)
    return LogitVarianceDecomposition(epistemic + aleatoric, epistemic, aleatoric)


def _entropy(probabilities):
    logarithms = np.log(np.where(probabilities > 0, probabilities, 1.0))
    return 0.0 - (probabilities * logarithms).sum(axis=-1)  # and not -0.0 for a certain row


def _check_draw_entropy(draw_entropy, shape):
    passes, items, classes = shape
    array = check_array(draw_entropy, name="draw_entropy", ndim=2).astype(np.float64)
    if array.shape != (passes, items):
        raise ValueError(
            f"`draw_entropy` must have shape (P, N) = {(passes, items)}. "
            f"Received: shape={array.shape}"
        )
    # Float32 estimates of an entropy at either end of its range may be off by their rounding.
    largest = np.log(classes)
    if array.min() < -1e-3 or array.max() > largest + 1e-3:
        raise ValueError(
            f"`draw_entropy` must lie in [0, log C] = [0, {largest:.4g}], in nats. "
            f"Received: values from {array.min():.6g} to {array.max():.6g}"
        )
    return array
