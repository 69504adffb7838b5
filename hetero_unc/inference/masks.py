"""Dropout masks from a counter: each is a function of its key and its place, of nothing before it.

So a pass has the same masks whether it runs alone or in one batch with others, and whatever the
number of the others. The bits are a hash of 64 bits of key and the number of the place: two rounds
of the finaliser `lowbias32`, whose bias is under 0.2 bits in a thousand, by Christopher Wellons
(2018), https://nullprogram.com/blog/2018/07/31/ (public domain). XLA makes one loop of hash,
comparison and product, which random numbers from memory cannot be.
"""

import math

from keras import ops

from hetero_unc.gaussian.compiled import compiled

__all__ = ["dropped", "keyed_bits"]

# 2**32 over the golden ratio, made odd, and the two factors of lowbias32, as signed integers.
GOLDEN = -1640531527
FACTORS = (0x7FEB352D, 0x846CA68B - 2**32)
# Below this XLA's call costs more than the operations that it saves.
SMALL = 2**14


def dropped(inputs, keys, rate, noise_shape):
    """Dropout of `rate` for K passes at once, each with the masks of its key.

    Args:
        inputs: Tensor `(K, n, ...)` of n items in each pass, or `(1, n, ...)` for items that all
            passes share.
        keys: int32 tensor `(K, 2)`.
        rate: Float in (0, 1].
        noise_shape: Shape `(n, ...)` of the mask of one pass: None where an axis is as long as that
            of the inputs, 1 where it shares the mask.

    Returns:
        Tensor `(K, n, ...)`; what is kept is divided by `1 - rate`.
    """
    places = keys.shape[0], *_mask_shape(inputs.shape, noise_shape)
    # While a model is traced for any batch, a size is None or a symbol; XLA needs a number.
    if not all(isinstance(size, int) for size in places) or math.prod(places) <= SMALL:
        return _dropped(inputs, keys, rate, noise_shape)
    return _dropped_compiled(inputs, keys, rate, noise_shape)


def keyed_bits(keys, places):
    """Random bits, one int32 over its whole range for each key and place.

    Args:
        keys: int32 tensor `(K, 2)`.
        places: Integer; places are counted from 0.

    Returns:
        int32 tensor `(K, places)`.
    """
    counters = ops.expand_dims(ops.arange(places, dtype="int32"), 0) * GOLDEN
    return _stirred(_stirred(counters + keys[:, :1]) + keys[:, 1:])


def _dropped(inputs, keys, rate, noise_shape):
    if rate == 1:
        return ops.zeros_like(inputs)
    shape = _mask_shape(ops.shape(inputs), noise_shape)
    places = 1
    for size in shape:  # tensors, where a model is traced for any batch
        places = places * size
    keep = keyed_bits(keys, places) >= round(rate * 2**32) - 2**31
    keep = ops.reshape(keep, (-1, *shape))
    return ops.where(keep, inputs * (1 / (1 - rate)), ops.zeros((), dtype=inputs.dtype))


_dropped_compiled = compiled(_dropped)


def _mask_shape(input_shape, noise_shape):
    given = zip(noise_shape, input_shape[1:], strict=True)
    return tuple(found if size is None else size for size, found in given)


def _stirred(bits):
    for shift, factor in zip((16, 15), FACTORS, strict=True):
        bits = ops.bitwise_xor(bits, _shifted(bits, shift)) * factor
    return ops.bitwise_xor(bits, _shifted(bits, 16))


def _shifted(bits, shift):
    """Shift to the right that moves in zeros: that of signed integers moves in the sign."""
    return ops.bitwise_and(ops.right_shift(bits, shift), 2 ** (32 - shift) - 1)
