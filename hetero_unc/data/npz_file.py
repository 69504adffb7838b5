"""Single arrays out of an npz file that somebody else wrote. No pickle is read."""

import math
import zipfile

import numpy as np

from hetero_unc.data.names import in_one_line

__all__ = ["read_npz"]

READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(path, names, *, max_bytes):
    """Read some arrays of an npz file; what else is in it is not looked at.

    The sizes that the file states are added up before any of it is unpacked, and must be those of
    its arrays.

    Parameters
    ----------
    path : path
    names : sequence of str
        Arrays to read where they are there.
    max_bytes : int
        The most that they may take, unpacked.

    Returns
    -------
    dict of str to array

    Raises
    ------
    OSError
        Where the file is missing or may not be read.
    ValueError
        Naming the file, where it is damaged, holds pickled objects or is too large.
    """
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                members = {
                    name: archive.getinfo(f"{name}.npy")
                    for name in names
                    if f"{name}.npy" in archive.namelist()
                }
                stated = sum(member.file_size for member in members.values())
                if stated <= max_bytes:
                    return {name: _read(archive, member) for name, member in members.items()}
        # A damaged file makes zipfile, zlib, struct and NumPy raise a dozen kinds of error.
        except Exception as error:
            raise ValueError(
                f"{path} is not a whole npz file of plain arrays, as numpy.savez writes it: "
                f"{in_one_line(error)}"
            ) from error
    raise ValueError(
        f"{path} must unpack to at most {max_bytes} bytes; `max_bytes` allows more. "
        f"Received: {stated} bytes"
    )


def _read(archive, member):
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in READ_HEADER:
            raise ValueError(f"{member.filename} has version {version} of the npy format")
        shape, _, kind = READ_HEADER[version](file)
        if kind.hasobject:
            # NumPy's own words would advise to load the file unsafely.
            raise ValueError(f"{member.filename} holds Python objects, not numbers or text")
        if min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize != (
            member.file_size - file.tell()
        ):
            raise ValueError(f"{member.filename} is not of the size that its header states")
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)
