"""MNIST from idx files: small ones written here, and the published ones where they are at hand."""

import functools
import gzip
import hashlib
import logging
import shutil
import struct

import numpy as np
import pytest

from hetero_unc.data.mnist import (
    FASHION_MNIST_MD5,
    MNIST_MD5,
    load_fashion_mnist_test,
    load_mnist,
)

TRAIN_IMAGES = "train-images-idx3-ubyte.gz"
TRAIN_LABELS = "train-labels-idx1-ubyte.gz"
TEST_IMAGES = "t10k-images-idx3-ubyte.gz"
TEST_LABELS = "t10k-labels-idx1-ubyte.gz"
COUNTS = {TRAIN_IMAGES: 12, TRAIN_LABELS: 12, TEST_IMAGES: 5, TEST_LABELS: 5}


def small_file(name, count, seed=0):
    """An idx file as in MNIST: images of 3 x 3 pixels, or labels 0, 1, 2, ..."""
    if "labels" in name:
        return struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count))
    pixels = np.random.default_rng(seed).integers(0, 256, 9 * count, np.uint8)
    return struct.pack(">IIII", 0x803, count, 3, 3) + pixels.tobytes()


def write_small_mnist(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in COUNTS.items():
        (folder / name).write_bytes(gzip.compress(small_file(name, count)))


@pytest.mark.parametrize("inside", [".", "mnist"])
def test_small_files_are_read(tmp_path, inside):
    write_small_mnist(tmp_path / inside)
    clothes = tmp_path / "fashion_mnist" / TEST_IMAGES
    clothes.parent.mkdir()
    clothes.write_bytes(gzip.compress(small_file(TEST_IMAGES, 4, seed=1)))
    dataset = load_mnist(tmp_path, md5={}, fashion_md5={})
    assert dataset.name == "mnist"
    assert dataset.class_names == tuple("0123456789")
    assert dataset.shifted_name == "Fashion-MNIST test images"
    assert str(tmp_path) not in dataset.source
    assert dataset.source == "MNIST idx files, md5 not compared"
    expected = np.array(list(small_file(TRAIN_IMAGES, 12)[16:])).reshape(12, 3, 3, 1) / 255
    np.testing.assert_allclose(dataset.train_images, expected, rtol=1e-6)
    assert dataset.train_labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert dataset.test_images.shape == (5, 3, 3, 1)
    assert dataset.test_labels.tolist() == [0, 1, 2, 3, 4]
    expected = np.array(list(small_file(TEST_IMAGES, 4, seed=1)[16:])).reshape(4, 3, 3, 1) / 255
    np.testing.assert_allclose(dataset.shifted_images, expected, rtol=1e-6)


def test_plain_files_are_read_as_packed_ones_are(tmp_path):
    write_small_mnist(tmp_path / "packed")
    plain = tmp_path / "plain"
    plain.mkdir()
    for name, count in COUNTS.items():
        (plain / name.removesuffix(".gz")).write_bytes(small_file(name, count))
    packed = load_mnist(tmp_path / "packed", md5={})
    assert load_mnist(str(plain), md5={}).digest == packed.digest


def test_without_fashion_mnist_there_are_no_shifted_images_and_the_log_says_why(tmp_path, caplog):
    write_small_mnist(tmp_path)
    with caplog.at_level(logging.WARNING, "hetero_unc.data"):
        dataset = load_mnist(tmp_path, md5={})
    assert dataset.shifted_images is None
    assert dataset.shifted_name is None
    assert "no out-of-distribution images" in caplog.text
    assert str(tmp_path / "fashion_mnist") in caplog.text


def test_other_files_than_the_published_ones_are_refused_by_default(tmp_path):
    write_small_mnist(tmp_path)
    with pytest.raises(ValueError, match="must be the published file") as error:
        load_mnist(tmp_path)
    stored = (tmp_path / TRAIN_IMAGES).read_bytes()
    assert hashlib.md5(stored).hexdigest() in str(error.value)
    assert MNIST_MD5[TRAIN_IMAGES] in str(error.value)


def test_other_fashion_images_than_the_published_ones_are_refused_by_default(tmp_path):
    path = tmp_path / "fashion_mnist" / TEST_IMAGES
    path.parent.mkdir()
    path.write_bytes(small_file(TEST_IMAGES, 4))
    with pytest.raises(ValueError, match=FASHION_MNIST_MD5[TEST_IMAGES]):
        load_fashion_mnist_test(tmp_path)


def test_a_missing_file_is_named_with_the_folders_looked_in(tmp_path):
    write_small_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / TEST_LABELS).unlink()
    with pytest.raises(FileNotFoundError, match="`data_dir` must hold MNIST's four idx") as error:
        load_mnist(tmp_path, md5={})
    assert f"{tmp_path / 'mnist'} lacks t10k-labels-idx1-ubyte" in str(error.value)
    assert f"data_dir={str(tmp_path)!r}" in str(error.value)


def test_an_empty_folder_and_none_at_all_are_named(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(FileNotFoundError) as error:
            load_mnist(folder)
        assert f"{folder / 'mnist'} is not a folder" in str(error.value)
        for name in COUNTS:
            assert name.removesuffix(".gz") in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (TRAIN_LABELS, struct.pack(">II", 0x801, 12) + b"\x0a" * 12, "`train_labels` must lie in"),
        (TRAIN_LABELS, small_file(TRAIN_LABELS, 11), "12 images, 11 labels"),
        (TEST_LABELS, small_file(TEST_IMAGES, 5), r"`test_labels` must have shape \(N,\)"),
        (TEST_IMAGES, small_file(TEST_LABELS, 5), "`test_images` must be images of uint8"),
        (TRAIN_IMAGES, struct.pack(">IIII", 0xD03, 1, 1, 1) + bytes(4), "dtype=float32"),
        (TRAIN_IMAGES, struct.pack(">IIII", 0x803, 0, 3, 3), "`train_images` must not be empty"),
    ],
    ids=["label 10", "one label less", "images as labels", "labels as images", "floats", "none"],
)
def test_a_file_of_the_wrong_content_is_refused(tmp_path, name, content, message):
    write_small_mnist(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_mnist(tmp_path, md5={})


@functools.cache
def published(folder):
    return load_mnist(folder)


@pytest.mark.real_data
def test_published_mnist_has_the_known_counts(real_data_dir):
    dataset = published(real_data_dir)
    assert dataset.source == "MNIST idx files, md5 as published"
    assert dataset.train_images.shape == (60000, 28, 28, 1)
    assert dataset.test_images.shape == (10000, 28, 28, 1)
    assert dataset.train_images.dtype == np.float32
    train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(dataset.train_labels).tolist() == train
    assert np.bincount(dataset.test_labels).tolist() == test
    assert dataset.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]


@pytest.mark.real_data
def test_published_mnist_has_the_known_mean_and_deviation(real_data_dir):
    # The pair that every tutorial normalises with, rounded as there.
    images = published(real_data_dir).train_images.astype(np.float64)
    assert round(images.mean(), 4) == 0.1307
    assert round(images.std(), 4) == 0.3081


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("folder", "digests"), [("mnist", MNIST_MD5), ("fashion_mnist", FASHION_MNIST_MD5)]
)
def test_published_files_have_the_listed_digests_packed_and_unpacked(
    real_data_dir, folder, digests
):
    paths = sorted((real_data_dir / folder).glob("*.gz"))
    if not paths:
        pytest.skip(f"HETERO_UNC_DATA holds no {folder}/*.gz")
    for path in paths:
        if path.name in digests:
            stored = path.read_bytes()
            assert hashlib.md5(stored).hexdigest() == digests[path.name]
            content = gzip.decompress(stored)
            assert hashlib.md5(content).hexdigest() == digests[path.name.removesuffix(".gz")]


@pytest.mark.real_data
def test_published_fashion_images_are_those_of_the_file(real_data_dir):
    path = real_data_dir / "fashion_mnist" / TEST_IMAGES
    if not path.is_file():
        pytest.skip("HETERO_UNC_DATA holds no packed Fashion-MNIST test images")
    images = published(real_data_dir).shifted_images
    assert images.shape == (10000, 28, 28, 1)
    pixels = np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16)
    np.testing.assert_array_equal(np.rint(images.ravel() * 255).astype(np.uint8), pixels)


@pytest.mark.real_data
def test_one_altered_byte_of_a_published_file_is_found(real_data_dir, tmp_path):
    if not (real_data_dir / "mnist" / TEST_LABELS).is_file():
        pytest.skip("HETERO_UNC_DATA holds no packed MNIST")
    for name in COUNTS:
        shutil.copyfile(real_data_dir / "mnist" / name, tmp_path / name)
    stored = bytearray((tmp_path / TEST_LABELS).read_bytes())
    stored[1000] ^= 1
    (tmp_path / TEST_LABELS).write_bytes(stored)
    with pytest.raises(ValueError, match="altered, incomplete") as error:
        load_mnist(tmp_path)
    assert TEST_LABELS in str(error.value)
    assert hashlib.md5(stored).hexdigest() in str(error.value)
    assert MNIST_MD5[TEST_LABELS] in str(error.value)
