"""idx files written byte by byte here, and every way in which one can be broken."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from hetero_unc.data.idx import idx_bytes, read_idx

PIXELS = bytes(range(24))
PLAIN = b"\x00\x00\x08\x03" + struct.pack(">III", 2, 3, 4) + PIXELS
EXPECTED = np.array(list(PIXELS)).reshape(2, 3, 4)


def write(folder, content):
    path = folder / "images-idx3-ubyte"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_reads_what_was_written(tmp_path, pack):
    stored = pack(PLAIN)
    path = write(tmp_path, stored)
    array = read_idx(path, md5=hashlib.md5(stored).hexdigest())
    assert array.dtype == np.uint8
    assert array.flags.writeable
    np.testing.assert_array_equal(array, EXPECTED)
    np.testing.assert_array_equal(read_idx(str(path)), EXPECTED)


@pytest.mark.parametrize(
    ("code", "form", "dtype"),
    [
        (0x08, "B", "uint8"),
        (0x09, "b", "int8"),
        (0x0B, "h", "int16"),
        (0x0C, "i", "int32"),
        (0x0D, "f", "float32"),
        (0x0E, "d", "float64"),
    ],
)
def test_reads_every_element_type_big_endian(tmp_path, code, form, dtype):
    values = [1, 2, 100]
    content = bytes([0, 0, code, 1]) + struct.pack(">I3" + form, 3, *values)
    array = read_idx(write(tmp_path, content))
    assert array.dtype == np.dtype(dtype)
    assert array.dtype.isnative
    assert array.tolist() == values


def test_a_truncated_gzip_file_is_named_with_its_md5(tmp_path):
    stored = gzip.compress(PLAIN * 50)[:-20]
    path = write(tmp_path, stored)
    with pytest.raises(ValueError, match="must be a whole gzip file") as error:
        read_idx(path)
    for part in (str(path), f"{len(stored)} bytes", hashlib.md5(stored).hexdigest()):
        assert part in str(error.value)


def test_a_gzip_file_with_an_altered_byte_is_refused_without_a_known_md5(tmp_path):
    stored = bytearray(gzip.compress(PLAIN))
    stored[-6] ^= 1  # within the checksum that gzip keeps of the content
    with pytest.raises(ValueError, match="must be a whole gzip file"):
        read_idx(write(tmp_path, bytes(stored)))


@pytest.mark.parametrize("damage", ["altered", "truncated", "empty"])
def test_another_md5_is_shown_beside_the_published_one(tmp_path, damage):
    published = hashlib.md5(PLAIN).hexdigest()
    stored = {"altered": PLAIN[:-1] + b"\xff", "truncated": PLAIN[:-5], "empty": b""}[damage]
    with pytest.raises(ValueError, match="`path` must be the published file") as error:
        read_idx(write(tmp_path, stored), md5=published)
    assert published in str(error.value)
    assert hashlib.md5(stored).hexdigest() in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be an idx file"),
        (b"\x00\x00\x08", "must be an idx file"),
        (b"\x89PNG" + PLAIN, "must be an idx file"),
        (b"\x00\x00\x07\x01" + PLAIN[4:], "must be an idx file"),
        (b"\x00\x00\x08\x00", "must state the length of each axis"),
        (PLAIN[:10], "must state the length of each axis"),
        (PLAIN[:-1], r"the 24 bytes .* shape \(2, 3, 4\)\. .* 23 bytes of elements"),
        (PLAIN + b"\x00", "25 bytes of elements"),
        # 2**32 squared is 0 in 64 bits: a product that overflows would let this pass.
        (b"\x00\x00\x08\x04" + b"\x80\x00\x00\x00" * 4, "must hold the"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as error:
        read_idx(write(tmp_path, content))
    assert hashlib.md5(content).hexdigest() in str(error.value)


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_idx(tmp_path / "nowhere")


def test_idx_bytes_are_the_file():
    assert idx_bytes(EXPECTED.astype(np.uint8)) == PLAIN
    assert (
        idx_bytes(np.array([7, 2, 1], np.uint8)) == b"\x00\x00\x08\x01\x00\x00\x00\x03\x07\x02\x01"
    )


def test_idx_bytes_of_a_transposed_array_are_row_major():
    array = EXPECTED.astype(np.uint8)
    assert idx_bytes(array.copy(order="F")) == PLAIN


@pytest.mark.parametrize("array", [np.zeros(3), np.uint8(1)])
def test_idx_bytes_refuses_what_it_cannot_write(array):
    with pytest.raises(ValueError, match="`array` must be uint8 with at least one axis"):
        idx_bytes(array)
