"""Gaussian logits with a low-rank covariance: z = loc + scale * e + factor f, e and f Normal.

Given f the logits are independent, and their softmax is integrated exactly; only the R numbers f
are drawn, as quasi-random points. The model is that of Collier et al. (2021),
https://arxiv.org/abs/2105.10305, section 4, and the covariance that of TensorFlow Probability's
`MultivariateNormalDiagPlusLowRankCovariance`: diag(scale^2) + factor factor^T.
"""

import functools

import numpy as np
import scipy.stats
from keras import ops

from hetero_unc.gaussian.draw_estimates import log_mean_exp
from hetero_unc.gaussian.parameters import split_parameters
from hetero_unc.gaussian.sequences import part_length, part_of, randomness

__all__ = [
    "conditional_logits",
    "factor_noise",
    "given_factor",
    "given_shared_factor",
    "log_mean_over_factor",
    "mean_over_factor",
    "repeated",
    "shared_factor_noise",
]


def given_factor(parameters, draws, *, seed):
    """Independent logits given f, with other points for each item and batch.

    Args:
        parameters: Tensor `(N, C, 2 + R)`.
        draws: Integer, points for f.
        seed: Integer; the points depend on it and on the values of `parameters`.

    Returns:
        `(loc, scale, draws)`: `(draws * N, C)` twice, by draws. At rank 0 there is nothing to draw:
        `(N, C)` twice, and 1.

    Raises:
        ValueError: If `parameters` have another shape.
    """
    loc, scale, factor = _parts(parameters)
    if not factor.shape[-1]:
        return loc, scale, 1
    noise = factor_noise(parameters, draws, seed=seed)
    return (*conditional_logits(loc, scale, factor, noise), draws)


def given_shared_factor(parameters, draws):
    """The same with points that all items share, so that each item stands for itself."""
    loc, scale, factor = _parts(parameters)
    if not factor.shape[-1]:
        return loc, scale, 1
    noise = ops.convert_to_tensor(shared_factor_noise(draws, factor.shape[-1]))
    return (*conditional_logits(loc, scale, factor, noise), draws)


def repeated(labels, draws):
    """Labels `(N, ...)` for each point of f: `(draws * N, ...)`."""
    return labels if draws == 1 else ops.tile(labels, (draws, *[1] * (len(labels.shape) - 1)))


def mean_over_factor(values, draws):
    """The mean over f: `(draws * N, ...)`, by draws -> `(N, ...)`."""
    return values if draws == 1 else ops.mean(_by_draw(values, draws), axis=0)


def log_mean_over_factor(log_values, draws):
    """log of the mean over f of exp(log_values): `(draws * N, ...)`, by draws -> `(N, ...)`."""
    return log_values if draws == 1 else log_mean_exp(_by_draw(log_values, draws))


def factor_noise(parameters, draws, *, seed):
    """Points for f, others for each item and batch: `(D, R, N)`, a shifted Sobol net.

    Args:
        parameters: Tensor `(N, C, 2 + R)`.
        draws: Integer D.
        seed: Integer; the points depend on it and on the values of `parameters`.
    """
    rank = parameters.shape[-1] - 2
    random = randomness("sobol", ops.transpose(parameters[..., 2:], (0, 2, 1)), seed=seed)
    part = part_of("sobol", random, draws, (rank, ops.shape(parameters)[0]))
    parts = -(-draws // part_length("sobol", draws, rank))
    return ops.concatenate([part(index) for index in range(parts)])[:draws]


@functools.cache
def shared_factor_noise(draws, rank):
    """Points for f that all items share: `(D, R, 1)`, float32."""
    # A net is made of a power of two points, of which the first are kept.
    uniform = scipy.stats.qmc.Sobol(rank, rng=0).random_base2(int(np.ceil(np.log2(draws))))
    return scipy.stats.norm.ppf(uniform[:draws]).astype("float32")[..., None]


def conditional_logits(loc, scale, factor, noise):
    """loc and scale of the logits given f, as one batch ordered by draw: `(D * N, C)` each.

    Args:
        loc, scale: Tensors `(N, C)`.
        factor: Tensor `(N, C, R)`.
        noise: Tensor `(D, R, N)`, or `(D, R, 1)`.
    """
    # A sum, not a matrix product, which accelerators may do in half precision; R is small.
    shift = ops.sum(ops.transpose(factor, (2, 0, 1)) * noise[..., None], axis=1)
    shifted = loc + shift
    scale = ops.broadcast_to(scale, ops.shape(shifted))
    return tuple(ops.reshape(part, (-1, loc.shape[-1])) for part in (shifted, scale))


def _parts(parameters):
    if len(parameters.shape) != 3:
        # (N, 2) could be read as one item of N classes: the softmax of two classes, by mistake.
        raise ValueError(
            "`parameters` must have shape (N, C, 2 + R), as GaussianLogits returns them. "
            f"Received: shape={tuple(parameters.shape)}"
        )
    return split_parameters(parameters)


def _by_draw(values, draws):
    shape = ops.shape(values)
    return ops.reshape(values, (draws, shape[0] // draws, *shape[1:]))
