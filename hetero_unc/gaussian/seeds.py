"""Seeds mixed from an integer and from values, so that draws need no variable to be fresh.

They differ from step to step, from batch to batch and between replicas, on every backend and
without a variable that a checkpoint could miss; and the same seed gives the same numbers. A
`keras.random.SeedGenerator` owned by a loss would not do: on JAX it never advances, because only
seeds that the model tracks are threaded through the compiled step.
"""

import keras
from keras import ops

__all__ = ["GivenSeed", "mixed_seed", "replica_number", "seed_of_part"]

# Knuth's multiplicative constant for 32 bits, 2654435769, and the two of MurmurHash3's finaliser
# (https://github.com/aappleby/smhasher), as signed integers. Odd numbers, so multiplying by them
# loses no bit.
GOLDEN = -1640531527
STIR = ((16, -2048144789), (13, -1028477387), (16, 1))


def mixed_seed(seed, parameters):
    """An int32 tensor of shape (2,): the seed, and a hash of the values of the parameters."""
    values = ops.cast(ops.stop_gradient(parameters), "float32")
    bits = ops.reshape(ops.view(values, "int32"), (-1,))
    # Each position has an offset of its own, so that reordered items give other draws, and so do
    # replicas that hold equal values; sums and products wrap around, which is what a hash wants.
    place = ops.arange(ops.shape(bits)[0], dtype="int32")
    bits = bits + GOLDEN * (2**26 * replica_number() + place)
    # Round numbers differ in few and high bits: without stirring, their sums would often be equal.
    for shift, factor in STIR:
        bits = ops.bitwise_xor(bits, ops.right_shift(bits, shift)) * factor
    mixed = ops.cast(ops.sum(bits), "int32")
    signed = (seed + 2**31) % 2**32 - 2**31  # a 32-bit seed, whatever its sign
    return ops.stack([ops.convert_to_tensor(signed, dtype="int32"), mixed])


def seed_of_part(seed, index):
    """The seed of part `index` of what `seed` draws; part 0 has the seed itself."""
    return ops.stack([seed[0], seed[1] + GOLDEN * ops.cast(index, "int32")])


def replica_number():
    """0, 1 and so on in the replicas of a `tf.distribute` strategy, int32; 0 without one."""
    if keras.backend.backend() != "tensorflow":
        return 0
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0
    return ops.cast(context.replica_id_in_sync_group, "int32")


class GivenSeed(keras.random.SeedGenerator):
    """Hands a seed tensor to `keras.random`, which takes integers and SeedGenerators only."""

    def __init__(self, value):
        # No super().__init__(): it would create a variable, which a compiled step must not do.
        # A JAX key is made of two uint32; the other backends read the seed as integers.
        self.value = ops.cast(value, "uint32" if keras.backend.backend() == "jax" else "int32")

    def next(self, ordered=True):
        return self.value
