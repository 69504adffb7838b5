"""Named arrays in one npz file, whole or refused. No pickle goes in or out."""

import numpy as np

from hetero_unc.writing import write_atomically

__all__ = ["read_arrays", "write_arrays"]


def write_arrays(path, arrays, *, compress):
    """Write a dict of arrays as npz, whole or not at all."""
    save = np.savez_compressed if compress else np.savez
    with write_atomically(path) as temporary, open(temporary, "wb") as file:
        save(file, **arrays)


def read_arrays(path, *, kind, remedy):
    """Read all arrays of an npz file.

    Parameters
    ----------
    path : path
    kind, remedy : str
        What the file should be and what to do if it is not, for the message.

    Raises
    ------
    OSError
        If the file is missing or may not be read.
    ValueError
        Naming the file, if it is truncated, altered or holds pickled objects.
    """
    # Opened here, because NumPy leaves a file open that it cannot read.
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        # An altered file makes zipfile, zlib, struct and NumPy raise a dozen kinds of error.
        except Exception as error:
            # NumPy's words would advise to load the file unsafely.
            reason = "it is no npz, or holds pickles" if "pickle" in str(error) else str(error)
            raise ValueError(f"{path} is not a whole {kind}: {reason}. {remedy}") from error
