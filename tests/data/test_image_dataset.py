"""What an ImageDataset checks, its digest, and its first items."""

import hashlib
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from hetero_unc.data import ImageDataset


@pytest.fixture
def dataset():
    rng = np.random.default_rng(0)
    return ImageDataset(
        name="digits",
        train_images=rng.random((6, 4, 5, 1), dtype=np.float32),
        train_labels=np.array([0, 1, 2, 0, 1, 2]),
        test_images=rng.random((3, 4, 5, 1), dtype=np.float32),
        test_labels=np.array([2, 1, 0]),
        shifted_images=rng.random((2, 4, 5, 1), dtype=np.float32),
        shifted_name="noise",
        class_names=("a", "b", "c"),
        source="made here",
    )


def test_arrays_come_out_as_float32_and_int64(dataset):
    other = replace(
        dataset,
        train_images=dataset.train_images.astype(np.float64),
        train_labels=dataset.train_labels.astype(np.uint8),
    )
    assert other.train_images.dtype == np.float32
    assert other.train_labels.dtype == np.int64
    assert other.digest == dataset.digest


def test_digest_is_the_sha256_that_its_docstring_describes(dataset):
    expected = hashlib.sha256()
    for name, dtype in [
        ("train_images", "<f4"),
        ("train_labels", "<i8"),
        ("test_images", "<f4"),
        ("test_labels", "<i8"),
        ("shifted_images", "<f4"),
    ]:
        array = getattr(dataset, name)
        expected.update(f"{name} {dtype} {array.shape}\n".encode())
        expected.update(array.astype(dtype).tobytes())
    assert dataset.digest == expected.hexdigest()


@pytest.mark.parametrize(
    "name", ["train_images", "train_labels", "test_images", "test_labels", "shifted_images"]
)
def test_digest_changes_with_each_array_and_with_the_order_of_its_rows(dataset, name):
    array = getattr(dataset, name)
    altered = array.copy()
    altered[0] = array[1]
    assert replace(dataset, **{name: altered}).digest != dataset.digest
    assert replace(dataset, **{name: array[::-1]}).digest != dataset.digest


def test_digest_is_of_the_content_only(dataset):
    assert replace(dataset, name="other", source="elsewhere").digest == dataset.digest
    without = replace(dataset, shifted_images=None, shifted_name=None)
    assert without.digest != dataset.digest


def test_first_items_keep_their_places_and_have_a_digest_of_their_own(dataset):
    small = dataset.first(4, 2, 1)
    np.testing.assert_array_equal(small.train_images, dataset.train_images[:4])
    np.testing.assert_array_equal(small.train_labels, [0, 1, 2, 0])
    np.testing.assert_array_equal(small.test_images, dataset.test_images[:2])
    np.testing.assert_array_equal(small.test_labels, [2, 1])
    np.testing.assert_array_equal(small.shifted_images, dataset.shifted_images[:1])
    assert small.digest != dataset.digest
    assert small.source == "made here; the first 4 training and 2 test items only"


def test_first_items_beyond_the_end_are_all(dataset):
    assert dataset.first(100, 100, 100).digest == dataset.digest


def test_first_items_of_a_dataset_without_shifted_images(dataset):
    without = replace(dataset, shifted_images=None, shifted_name=None)
    assert without.first(2, 2, 2).shifted_images is None


@pytest.mark.parametrize("count", [0, -1, 2.0, True])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_first_refuses_a_count_that_is_none(dataset, count, place):
    counts = [2, 2, 2]
    counts[place] = count
    with pytest.raises(ValueError, match=rf"must be an integer >= 1\. Received: .*={count}"):
        dataset.first(*counts)


def test_a_dataset_is_frozen(dataset):
    with pytest.raises(FrozenInstanceError):
        dataset.name = "other"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_images": np.zeros((6, 4, 5))}, "`train_images` must have 4 axes"),
        ({"train_images": np.zeros((0, 4, 5, 1))}, "`train_images` must not be empty"),
        ({"test_images": np.zeros((3, 5, 4, 1))}, r"`test_images` must have shape \(N, 4, 5, 1\)"),
        ({"shifted_images": np.zeros((2, 4, 5, 3))}, "`shifted_images` must have shape"),
        ({"train_images": np.full((6, 4, 5, 1), np.nan)}, "120 NaN or infinite"),
        ({"train_images": np.full((6, 4, 5, 1), 255)}, r"`train_images` must lie in \[0, 1\], so"),
        ({"test_images": np.full((3, 4, 5, 1), -0.1)}, "values from -0.1 to -0.1"),
        ({"train_labels": np.array([0, 1, 2, 0, 1, 3])}, r"train_labels\[5\]=3"),
        ({"test_labels": np.array([0, 1, -1])}, r"test_labels\[2\]=-1"),
        ({"test_labels": np.array([0.0, 1, 2])}, "`test_labels` must be integers"),
        ({"test_labels": np.array([0, 1])}, "3 images, 2 labels"),
        ({"shifted_name": None}, "must both be given or both be None"),
        ({"shifted_images": None}, "must both be given or both be None"),
    ],
)
def test_what_does_not_belong_together_is_refused(dataset, change, message):
    with pytest.raises(ValueError, match=message):
        replace(dataset, **change)
