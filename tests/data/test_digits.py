"""The embedded digits: every one of them once, and stand-ins that keep all but the shape."""

import numpy as np
import pytest
from sklearn.datasets import load_digits as load_embedded

from hetero_unc.data.digits import BLOCK_ORDER, load_digits, rearrange_blocks


@pytest.fixture(scope="module")
def dataset():
    return load_digits()


def rows(images, labels):
    """Sorted rows of pixels, each with its label at its end."""
    table = np.column_stack([images.reshape(len(images), -1), labels])
    return table[np.lexsort(table.T)]


def test_every_embedded_digit_is_in_one_split_with_its_label(dataset):
    embedded = load_embedded()
    images = np.concatenate([dataset.train_images, dataset.test_images])
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    expected = rows(embedded.images / 16, embedded.target)
    np.testing.assert_array_equal(rows(images, labels), expected)
    assert dataset.train_images.shape == (1347, 8, 8, 1)
    assert dataset.test_images.shape == (450, 8, 8, 1)
    assert (images.min(), images.max()) == (0, 1)


def test_each_class_is_split_in_the_same_proportion(dataset):
    counts = np.bincount(load_embedded().target)
    test = np.bincount(dataset.test_labels)
    assert (np.abs(test - counts * 450 / 1797) < 1).all()


def test_the_split_is_the_same_each_time_and_global_random_state_is_left_alone(dataset):
    before = np.random.get_state()[1].copy()  # noqa: NPY002 the state that must not change
    assert load_digits().digest == dataset.digest
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_shifted_images_are_the_test_images_with_every_block_moved(dataset):
    expected = np.empty_like(dataset.test_images)
    for place, origin in enumerate(BLOCK_ORDER):
        (row, column), (from_row, from_column) = divmod(place, 4), divmod(origin, 4)
        expected[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = dataset.test_images[
            :, 2 * from_row : 2 * from_row + 2, 2 * from_column : 2 * from_column + 2
        ]
    np.testing.assert_array_equal(dataset.shifted_images, expected)
    assert sorted(BLOCK_ORDER) == list(range(16))
    assert all(place != origin for place, origin in enumerate(BLOCK_ORDER))


def test_shifted_images_keep_every_pixel_value(dataset):
    np.testing.assert_array_equal(
        np.sort(dataset.shifted_images.reshape(450, -1)),
        np.sort(dataset.test_images.reshape(450, -1)),
    )


def test_blocks_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match=r"`images` must have shape \(N, 8, 8, K\)"):
        rearrange_blocks(np.zeros((2, 28, 28, 1)))
