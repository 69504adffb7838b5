"""Models on disk: `.keras` files, whole or refused."""

import keras

# Keras finds the classes of this package by name once their modules have been imported.
import hetero_unc.inference
import hetero_unc.layers
import hetero_unc.losses  # noqa: F401
from hetero_unc.writing import write_atomically

__all__ = ["load_model", "save_model"]


def save_model(model, path):
    """Write a `.keras` file, whole or not at all.

    Parameters
    ----------
    model : keras.Model
        Built.
    path : path
        Ends in `.keras`.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    with write_atomically(path) as temporary:
        model.save(temporary)


def load_model(path):
    """Read a `.keras` file, in Keras' safe mode.

    Parameters
    ----------
    path : path

    Returns
    -------
    keras.Model

    Raises
    ------
    OSError
        If the file is missing or may not be read.
    ValueError
        Naming the file, if it is truncated, altered or holds code.
    """
    with open(path, "rb"):
        pass
    try:
        return keras.models.load_model(path, safe_mode=True)
    # An altered archive makes zipfile, zlib, h5py, json and Keras raise a dozen kinds of error.
    except Exception as error:
        raise ValueError(
            f"{path} is not a whole model that may be loaded: {error}. Train again, or take a copy"
        ) from error
