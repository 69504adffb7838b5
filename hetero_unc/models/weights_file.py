"""Weights of a model as an npz file, by the names of its layers: checked, and loaded whole.

Keras' own files name layers by class and number, so that a tool that converts weights from
elsewhere cannot write them; and a file that does not fit leaves some variables changed.
"""

import numpy as np
from keras import ops

from hetero_unc.archives import read_arrays, write_arrays

__all__ = ["load_weights", "save_weights"]


def save_weights(model, path):
    """Write all weights of a model as npz, whole or not at all; the inverse of `load_weights`.

    Args:
        model: A built model whose layers bear names of their own.
        path: Of the npz file.

    Raises:
        OSError: If the file cannot be written.
    """
    arrays = {name: ops.convert_to_numpy(value) for name, value in _weights_of(model).items()}
    write_arrays(path, arrays, compress=False)


def load_weights(model, path):
    """Give a model the weights in a file, if they are those of such a model.

    Args:
        model: A built model whose layers bear names of their own.
        path: An npz file: an array for each weight, by its path below the model, such as
            `Conv2d_1a_3x3/kernel` and `Conv2d_1a_3x3_BatchNorm/moving_mean`. Kernels of
            convolutions are `(height, width, from, to)`, those of dense layers `(from, to)`.

    Raises:
        OSError: If the file is missing or may not be read.
        ValueError: Naming the file, if it is not a whole npz, if weights are missing or too many,
            or if a shape differs or a value is not finite in the type of its weight. The model is
            as it was then.
    """
    weights = _weights_of(model)
    arrays = read_arrays(path, kind="file of weights", remedy="Take a copy, or convert it again")
    missing = [name for name in weights if name not in arrays]
    unknown = [name for name in arrays if name not in weights]
    if missing or unknown:
        raise ValueError(
            f"{path} must hold the {len(weights)} weights of {model.name!r}. Received: "
            f"{_counted(missing, 'missing')}; {_counted(unknown, 'unknown')}"
        )
    values = {}
    for name, weight in weights.items():
        array = arrays[name]
        if array.shape != tuple(weight.shape) or array.dtype.kind not in "iuf":
            raise ValueError(
                f"{path}: {name} must be numbers of shape {tuple(weight.shape)}. "
                f"Received: dtype={array.dtype}, shape={array.shape}"
            )
        with np.errstate(over="ignore", invalid="ignore"):  # looked at in the next lines
            values[name] = ops.convert_to_tensor(array, dtype=weight.dtype)
        bad = ~(np.isfinite(array) & ops.convert_to_numpy(ops.isfinite(values[name])))
        if bad.any():
            raise ValueError(
                f"{path}: {name} must be finite as {weight.dtype}. Received: "
                f"{np.count_nonzero(bad)} NaN, infinite or too large of {array.size} values, the "
                f"first {array[bad][0]:.6g}"
            )
    for name, weight in weights.items():
        weight.assign(values[name])


def _weights_of(model):
    """Weights by path below the model; states of seeds, which are no weights, are left out."""
    # Keras puts the name of a Sequential before those of its layers.
    return {weight.path.removeprefix(f"{model.name}/"): weight for weight in model.weights}


def _counted(names, what):
    return f"{len(names)} {what}" + (f", the first {names[0]}" if names else "")
