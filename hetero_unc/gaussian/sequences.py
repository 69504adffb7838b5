"""Sequences of standard Normals: independent, antithetic or Sobol points, a part at a time.

Every point of every sequence is by itself C independent standard Normals (Sobol points: to within
1e-8 in any mean, as float32 itself), so that a mean over the sequence is unbiased whatever its
length; they differ in how the points of one item stand to each other. Items do not share points.

Arrays run `(part of the draws, C, N)`: the items come last, because loops over the last axis are
those that a CPU runs several numbers at a time, and C is often ten.
"""

import functools
import math

import keras
import numpy as np
from keras import ops

from hetero_unc.gaussian.distributions import standard_normals
from hetero_unc.gaussian.seeds import GivenSeed, mixed_seed, seed_of_part

__all__ = ["LARGEST_SOBOL", "SEQUENCES", "is_compiled", "part_length", "part_of", "randomness"]

SEQUENCES = ("sobol", "antithetic", "independent")
LARGEST_SOBOL = 21201  # classes: what SciPy has direction numbers for (Joe and Kuo, 2008)
# The batch that the length of a part is reckoned for. The actual one would make the numbers of an
# item depend on whether the size of its batch is known when the step is compiled.
USUAL_ITEMS = 128
# Numbers in a part: under XLA it should stay in the cache of a core; without XLA every operation
# on it costs microseconds to start.
COMPILED_NUMBERS, PLAIN_NUMBERS = 2**16, 2**17
# Draws times classes: beyond, operations are long enough to start each by itself, on all cores,
# while XLA runs a loop on one core and needs some hundred MiB to compile it.
MOST_COMPILED = 2**19
SMALLEST_TABLE_BITS = 14
# The largest float32 below 1: the Normals end at 5.4, where 7e-8 of them are left.
BELOW_ONE = float(np.nextafter(np.float32(1), np.float32(0)))


def is_compiled(sequence, draws, num_classes):
    """Whether XLA should compile what uses the sequence, on the TensorFlow backend.

    Not where numbers come from TensorFlow's generators: those of XLA on CPU are slower by a factor
    of about forty.
    """
    return sequence == "sobol" and draws * num_classes <= MOST_COMPILED


def part_length(sequence, draws, num_classes):
    """Draws in a part: the last part of a sequence may be shorter."""
    numbers = COMPILED_NUMBERS if is_compiled(sequence, draws, num_classes) else PLAIN_NUMBERS
    parts = math.ceil(draws / max(1, numbers // (USUAL_ITEMS * num_classes)))
    length = math.ceil(draws / parts)
    return length + length % 2 if sequence == "antithetic" else length


def randomness(sequence, parameters, *, seed):
    """What a sequence takes from its generator for one batch.

    Args:
        sequence: One of `SEQUENCES`.
        parameters: Tensor `(N, C, 2)`; its values are mixed into the seed.
        seed: Integer.

    Returns:
        Tuple of tensors. Sobol: a shift in [0, 1) for each class and item, `(C, N)`, and one for
        all. Others: the seed, `(2,)`.
    """
    mixed = mixed_seed(seed, parameters)
    if sequence != "sobol":
        return (mixed,)
    num_classes = parameters.shape[1]
    if num_classes > LARGEST_SOBOL:
        raise ValueError(
            f"`sequence` 'sobol' has points for {LARGEST_SOBOL} classes at most: use "
            f"'antithetic'. Received: sequence='sobol', C={num_classes}"
        )
    shape = (num_classes, ops.shape(parameters)[0] + 1)
    uniform = keras.random.uniform(shape, seed=GivenSeed(mixed), dtype="float32")
    return uniform[:, 1:], uniform[0, 0]


def part_of(sequence, randomness, draws, shape):
    """The function `index -> (part_length, C, N)` float32, the standard Normals of a part.

    Args:
        sequence: One of `SEQUENCES`.
        randomness: What the function of that name returned.
        draws: Integer D.
        shape: `(C, N)`.
    """
    length = part_length(sequence, draws, shape[0])
    if sequence == "sobol":
        return _sobol(*randomness, draws, length)
    if sequence == "independent":
        return functools.partial(_independent, *randomness, length, shape)

    def antithetic(index):
        half = _independent(*randomness, length // 2, shape, index)
        return ops.concatenate([half, -half])

    return antithetic


def _independent(seed, length, shape, index):
    seed = seed_of_part(seed, index)
    num_classes, items = shape
    if keras.backend.backend() == "tensorflow":
        noise = standard_normals((length, items, num_classes), seed)
    else:
        noise = keras.random.normal(
            (length, items, num_classes), dtype="float32", seed=GivenSeed(seed)
        )
    return ops.transpose(noise, (0, 2, 1))


def _sobol(shift, offset, draws, length):
    """Points of a Sobol net, shifted digit by digit for each item and class (Owen, 2000).

    [0, 1) is cut into cells. The first bits of a cell's number come from the net, and an exclusive
    or with an item's shift moves all cells about; where in its cell a point lies is drawn once for
    all. So the inverse Normal is needed once for each cell, rather than for each number. Each
    coordinate is uniform; two are independent but for their places in cells of less than 1e-4.
    """
    bits = math.ceil(math.log2(draws)) if draws > 1 else 1
    directions = sobol_directions(shift.shape[0], bits)
    cells = 2 ** max(SMALLEST_TABLE_BITS, bits + 3)
    shift = ops.cast(ops.floor(shift * cells), "int32")
    middle = cells // 2
    # Twice the distance from 1/2. The generator gives multiples of 2^-23, zero among them.
    centred = (ops.arange(-middle, middle, dtype="float32") + (offset + 2.0**-24)) / middle
    table = math.sqrt(2) * ops.erfinv(ops.clip(centred, -BELOW_ONE, BELOW_ONE))

    def part(index):
        number = index * length + ops.arange(length, dtype="int32")
        cell = ops.zeros((length, len(directions)), dtype="int32")
        for bit in range(bits):
            is_set = ops.bitwise_and(ops.right_shift(number, bit), 1)
            toggled = ops.convert_to_tensor(directions[:, bit])
            cell = ops.bitwise_xor(cell, ops.expand_dims(is_set, 1) * toggled)
        cell = ops.expand_dims(cell * (cells // 2**bits), 2)
        return ops.take(table, ops.bitwise_xor(cell, shift))

    return part


@functools.lru_cache
def sobol_directions(num_classes, bits):
    """Direction numbers of a scrambled Sobol sequence, int32 `(C, bits)`.

    Point n, as a whole number of 2^-bits, is the exclusive or of the directions of the bits set in
    n. SciPy scrambles by random lower triangular matrices and a shift (Matousek, 1998); its seed
    is fixed, because the shifts of the items make the points random.
    """
    from scipy.stats import qmc

    engine = qmc.Sobol(num_classes, scramble=True, seed=0)
    points = [engine.random(1)[0]]
    # SciPy's order is that of Gray's code: the bits of point n are those of n ^ (n >> 1).
    for bit in range(bits):
        engine.fast_forward(2 ** (bit + 1) - 1 - engine.num_generated)
        points.append(engine.random(1)[0])
    origin, *others = (np.asarray(points) * 2**bits).astype(np.int32)
    return np.stack([np.bitwise_xor(origin, other) for other in others], axis=1)
