"""idx files, the form in which MNIST and its relatives are published.

Two zero bytes, one byte for the element type, one for the number of axes, the length of each axis
as four bytes, then the elements; all numbers big-endian. Packed with gzip or plain.
"""

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np

__all__ = ["idx_bytes", "read_idx"]

ELEMENT_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MARK = b"\x1f\x8b"


def read_idx(path, md5=None):
    """Read an idx file, plain or gzip, and check it whole before anything is used.

    Parameters
    ----------
    path : str or Path
        The file. Whether it is packed is read off its content, not off its name.
    md5 : str, optional
        Digest that the file's own bytes must have, 32 hexadecimal digits; None skips this check.

    Returns
    -------
    ndarray
        Of the element type and the axes that the file states, in native byte order, writeable.

    Raises
    ------
    ValueError
        Where the md5 differs, the gzip stream is damaged or ends early, or the header does not
        fit the content. The message names the file, its size and the md5 found.
    OSError
        Where the file is not there or cannot be read.

    References
    ----------
    The form is described at http://yann.lecun.com/exdb/mnist/.
    """
    stored = Path(path).read_bytes()
    found = hashlib.md5(stored, usedforsecurity=False).hexdigest()
    received = f"Received: path={str(path)!r}, {len(stored)} bytes, md5 {found}"
    if md5 is not None and found != md5:
        raise ValueError(
            f"`path` must be the published file, md5 {md5}; this one is altered, incomplete or "
            f"another, so fetch it again. {received}"
        )
    content = _unpack(stored, received)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in ELEMENT_TYPES:
        raise ValueError(
            "`path` must be an idx file: two zero bytes, then an element type of "
            f"{[f'0x{code:02x}' for code in ELEMENT_TYPES]}. {received}, "
            f"first bytes 0x{content[:4].hex()}"
        )
    element, axes = np.dtype(ELEMENT_TYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    if axes == 0 or len(content) < start:
        raise ValueError(
            f"`path` must state the length of each axis. {received}, {axes} axes and "
            f"{len(content) - 4} bytes after the first four"
        )
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    # math.prod is exact; a product of forged lengths overflows NumPy's integers.
    expected = math.prod(shape) * element.itemsize
    if len(content) - start != expected:
        raise ValueError(
            f"`path` must hold the {expected} bytes of elements that its header states, shape "
            f"{tuple(shape)}. {received}, {len(content) - start} bytes of elements"
        )
    array = np.frombuffer(content, element, offset=start).reshape(shape)
    return array.astype(element.newbyteorder("="))


def idx_bytes(array):
    """The plain idx file that holds `array`: what `read_idx` reads back.

    Gives an array that came another way the digest of the published file.

    Parameters
    ----------
    array : ndarray of uint8
        Of any shape with 1 to 255 axes.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        Where the array is not uint8 or has no axis.
    """
    array = np.asarray(array)
    if array.dtype != np.uint8 or array.ndim == 0:
        raise ValueError(
            "`array` must be uint8 with at least one axis. "
            f"Received: dtype={array.dtype}, shape={array.shape}"
        )
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, 0x08, array.ndim]) + lengths + array.tobytes()


def _unpack(stored, received):
    if not stored.startswith(GZIP_MARK):
        return stored
    try:
        return gzip.decompress(stored)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"`path` must be a whole gzip file; this one is damaged or ends early ({error}), so "
            f"fetch it again. {received}"
        ) from error
