"""Draws of Gaussian logits as tensors.

The draws are stateless: `hetero_unc.gaussian.seeds` says why.
"""

import math

import keras
from keras import ops

from hetero_unc.checks import check_choice
from hetero_unc.gaussian.parameters import split_parameters
from hetero_unc.gaussian.sequences import SEQUENCES, part_length, part_of, randomness

__all__ = [
    "draw_logits",
    "draw_shared_logits",
    "loc_and_scale",
]


def draw_logits(parameters, draws, *, seed, sequence="independent"):
    """Draws for each item, the items independent of each other.

    Args:
        parameters: Tensor `(N, C, 2)`.
        draws: Integer D.
        seed: Integer. The same seed and parameters give the same draws.
        sequence: How the draws of an item stand to each other, `"independent"`, `"antithetic"` or
            `"sobol"`. Each by itself is Normal, whatever the sequence.

    Returns:
        Tensor `(D, N, C)`, differentiable in the parameters.

    Raises:
        ValueError: If `parameters` are not Gaussian logits of rank 0, or the sequence is unknown.
    """
    check_choice(sequence, SEQUENCES, name="sequence")
    parameters = ops.convert_to_tensor(parameters)
    loc, scale = loc_and_scale(parameters)
    random = randomness(sequence, parameters, seed=seed)
    part = part_of(sequence, random, draws, ops.shape(ops.transpose(loc)))
    parts = math.ceil(draws / part_length(sequence, draws, loc.shape[1]))
    noise = ops.concatenate([part(index) for index in range(parts)])[:draws]
    return loc + scale * ops.cast(ops.transpose(noise, (0, 2, 1)), loc.dtype)


def draw_shared_logits(parameters, draws, *, seed):
    """Draws whose standard Normals are shared by all items, so that each item stands for itself.

    An item's draws do not depend on its batch. For prediction; errors of different items are
    correlated, and each is as large as with independent draws.

    Args:
        parameters: Tensor `(N, C, 2)`.
        draws: Integer D.
        seed: Integer; the same seed gives the same standard Normals. Or a
            `keras.random.SeedGenerator`, whose every call gives others.

    Returns:
        Tensor `(D, N, C)`.

    Raises:
        ValueError: If `parameters` are not Gaussian logits of rank 0.
    """
    loc, scale = loc_and_scale(ops.convert_to_tensor(parameters))
    noise = keras.random.normal((draws, 1, loc.shape[-1]), dtype=loc.dtype, seed=seed)
    return loc + scale * noise


def loc_and_scale(parameters):
    """The parts of `parameters` that can be drawn: `(N, C)` each, of rank 0."""
    loc, scale, factor = split_parameters(parameters)
    if len(parameters.shape) != 3:
        # (N, 2) could be read as one item of N classes: the softmax of two classes, by mistake.
        raise ValueError(
            "`parameters` must have shape (N, C, 2) to be drawn, as GaussianLogits returns them. "
            f"Received: shape={tuple(parameters.shape)}"
        )
    if factor.shape[-1] != 0:
        raise ValueError(
            "`parameters` must have rank 0 to be drawn. "
            f"Received: rank={factor.shape[-1]}, shape={tuple(parameters.shape)}"
        )
    return loc, scale
