"""Draws of Gaussian logits. TensorFlow Probability is imported in this module only.

The draws are stateless: their seed is mixed from an integer and the values of the parameters that
they are drawn for. So they differ from step to step, from batch to batch and between replicas, on
every backend and without a variable that a checkpoint could miss; and the same seed gives the same
numbers. A `keras.random.SeedGenerator` owned by a loss would not do: on JAX it never advances,
because only seeds that the model tracks are threaded through the compiled step.
"""

import keras
from keras import ops

from hetero_unc.gaussian.parameters import split_parameters

__all__ = ["as_distribution", "draw_logits", "draw_shared_logits", "replica_number"]

# Knuth's multiplicative constant for 32 bits, 2654435769, and the two of MurmurHash3's finaliser
# (https://github.com/aappleby/smhasher), as signed integers. Odd numbers, so multiplying by them
# loses no bit.
GOLDEN = -1640531527
STIR = ((16, -2048144789), (13, -1028477387), (16, 1))


def as_distribution(parameters):
    """The TFP distribution of the logits, on the TensorFlow backend.

    Args:
        parameters: Tensor `(N, C, 2)`.

    Returns:
        `tfp.distributions.Independent` of Normals: batch shape `(N,)`, event shape `(C,)`.

    Raises:
        RuntimeError: On another backend.
        ValueError: If `parameters` are not Gaussian logits of rank 0.
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "as_distribution needs the TensorFlow backend. "
            f"Received: keras.backend.backend()={keras.backend.backend()!r}"
        )
    import tensorflow_probability as tfp

    loc, scale = _loc_and_scale(parameters)
    return tfp.distributions.Independent(tfp.distributions.Normal(loc, scale), 1)


def draw_logits(parameters, draws, *, seed):
    """Independent draws for each item.

    Args:
        parameters: Tensor `(N, C, 2)`.
        draws: Integer D.
        seed: Integer. The same seed and parameters give the same draws.

    Returns:
        Tensor `(D, N, C)`, differentiable in the parameters.
    """
    parameters = ops.convert_to_tensor(parameters)
    loc, scale = _loc_and_scale(parameters)
    return _normal(loc, scale, draws, _mixed_seed(seed, parameters))


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
    """
    loc, scale = _loc_and_scale(ops.convert_to_tensor(parameters))
    noise = keras.random.normal((draws, 1, loc.shape[-1]), dtype=loc.dtype, seed=seed)
    return loc + scale * noise


def replica_number():
    """0, 1 and so on in the replicas of a `tf.distribute` strategy, int32; 0 without one."""
    if keras.backend.backend() != "tensorflow":
        return 0
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0
    return ops.cast(context.replica_id_in_sync_group, "int32")


def _loc_and_scale(parameters):
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


def _normal(loc, scale, draws, seed):
    if keras.backend.backend() == "tensorflow":
        import tensorflow_probability as tfp

        return tfp.distributions.Normal(loc, scale).sample(draws, seed=seed)
    shape = (draws, *ops.shape(loc))
    noise = keras.random.normal(shape, dtype=loc.dtype, seed=_GivenSeed(seed))
    return loc + scale * noise


def _mixed_seed(seed, parameters):
    """An int32 tensor of shape (2,): the seed, and a hash of the values of the parameters."""
    values = ops.cast(ops.stop_gradient(parameters), "float32")
    bits = ops.reshape(ops.view(values, "int32"), (-1,))
    # Each position has an offset of its own, so that reordered items give other draws, and so do
    # replicas that hold equal values; sums and products wrap around, which is what a hash wants.
    bits = bits + GOLDEN * (2**26 * replica_number() + ops.arange(ops.size(bits), dtype="int32"))
    # Round numbers differ in few and high bits: without stirring, their sums would often be equal.
    for shift, factor in STIR:
        bits = ops.bitwise_xor(bits, ops.right_shift(bits, shift)) * factor
    mixed = ops.cast(ops.sum(bits), "int32")
    signed = (seed + 2**31) % 2**32 - 2**31  # a 32-bit seed, whatever its sign
    return ops.stack([ops.convert_to_tensor(signed, dtype="int32"), mixed])


class _GivenSeed(keras.random.SeedGenerator):
    """Hands a seed tensor to `keras.random`, which takes integers and SeedGenerators only."""

    def __init__(self, value):
        # No super().__init__(): it would create a variable, which a compiled step must not do.
        # A JAX key is made of two uint32; the other backends read the seed as integers.
        self.value = ops.cast(value, "uint32" if keras.backend.backend() == "jax" else "int32")

    def next(self, ordered=True):
        return self.value
