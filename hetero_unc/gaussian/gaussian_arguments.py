"""Checks of loc and scale where their values can be seen, which a compiled step does not let."""

import numpy as np
from keras import ops

from hetero_unc.gaussian.gumbel_variables import LARGEST_SCALE

__all__ = ["check_gaussian", "values_of"]


def check_gaussian(loc, scale):
    """`(loc, scale)` as float32 tensors `(N, C)`.

    Raises:
        ValueError: On other shapes, C < 2, values that are not finite or scales outside [0, 40].
    """
    loc, scale = (ops.convert_to_tensor(tensor, dtype="float32") for tensor in (loc, scale))
    shape = tuple(loc.shape)
    if len(shape) != 2 or shape[-1] is None or shape[-1] < 2 or shape != tuple(scale.shape):
        raise ValueError(
            "`loc` and `scale` must both have shape (N, C), C >= 2. "
            f"Received: loc.shape={shape}, scale.shape={tuple(scale.shape)}"
        )
    for name, tensor, smallest, largest in (
        ("loc", loc, -np.inf, np.inf),
        ("scale", scale, 0.0, LARGEST_SCALE),
    ):
        values = values_of(tensor)
        if values is None:
            continue
        bad = ~(np.isfinite(values) & (values >= smallest) & (values <= largest))
        if bad.any():
            rule = "finite" if name == "loc" else f"finite and lie in [0, {largest:g}]"
            raise ValueError(
                f"`{name}` must be {rule}. Received: {bad.sum()} other value(s), the first "
                f"{values[bad][0]} in row {np.argwhere(bad)[0][0]}"
            )
    return loc, scale


def values_of(tensor):
    """The values of a tensor as a NumPy array, or None where a step is being compiled."""
    try:
        return ops.convert_to_numpy(ops.stop_gradient(tensor))
    except (AttributeError, NotImplementedError, TypeError, ValueError):
        return None  # each backend has its own way to say that there are no values yet
