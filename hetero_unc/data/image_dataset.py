"""One shape for every image data set: training and test items, and images of something else."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from hetero_unc.checks import check_count, check_images, check_labels

__all__ = ["ImageDataset"]

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels", "shifted_images")


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Labelled images, split into training and test, checked when they are put together.

    Frozen: a changed data set is a new one (`dataclasses.replace`), with a digest of its own.

    Parameters
    ----------
    name : str
        `"mnist"` or `"digits"`; goes into results and titles.
    train_images : ndarray of float32, shape (N, H, W, K)
        In [0, 1].
    train_labels : ndarray of int64, shape (N,)
        In [0, C).
    test_images, test_labels : ndarray
        As above, for the test items.
    shifted_images : ndarray of float32, shape (M, H, W, K), or None
        Out-of-distribution images, none of which shows any of the classes.
    shifted_name : str or None
        What they show; None if and only if there are none.
    class_names : tuple of str, length C
        Name of each class, in the order of the labels.
    source : str
        One line: where the data came from. Names no folder, so it can be published.

    Raises
    ------
    ValueError
        Where an array is empty, misshapen, not finite or out of range, where lengths or image
        sizes differ, or where `shifted_images` and `shifted_name` do not come together.
    """

    name: str
    train_images: np.ndarray = field(repr=False)
    train_labels: np.ndarray = field(repr=False)
    test_images: np.ndarray = field(repr=False)
    test_labels: np.ndarray = field(repr=False)
    shifted_images: np.ndarray | None = field(repr=False)
    shifted_name: str | None
    class_names: tuple[str, ...]
    source: str

    def __post_init__(self):
        if (self.shifted_images is None) != (self.shifted_name is None):
            raise ValueError(
                "`shifted_images` and `shifted_name` must both be given or both be None. "
                f"Received: shifted_name={self.shifted_name!r}"
            )
        train_images = _check_pixels(self.train_images, name="train_images")
        shape = train_images.shape[1:]
        checked = {
            "train_images": train_images,
            "train_labels": self._check_split_labels("train"),
            "test_images": _check_pixels(self.test_images, shape=shape, name="test_images"),
            "test_labels": self._check_split_labels("test"),
        }
        if self.shifted_images is not None:
            checked["shifted_images"] = _check_pixels(
                self.shifted_images, shape=shape, name="shifted_images"
            )
        for name, array in checked.items():
            object.__setattr__(self, name, array)

    def _check_split_labels(self, split):
        images, labels = getattr(self, f"{split}_images"), getattr(self, f"{split}_labels")
        labels = check_labels(labels, len(self.class_names), name=f"{split}_labels")
        if len(labels) != len(images):
            raise ValueError(
                f"`{split}_images` and `{split}_labels` must have the same length. Received: "
                f"{len(images)} images, {len(labels)} labels"
            )
        return labels

    @cached_property
    def digest(self):
        """sha256 of the content, 64 hexadecimal digits.

        Of each array that is there, in the order of `ARRAYS`: its name, element type, shape and
        elements (row-major, little-endian). Row order counts, because training depends on it;
        `name`, `source` and the class names do not, so the same items from idx files and from
        TensorFlow Datasets have the same digest.
        """
        digest = hashlib.sha256()
        for name in ARRAYS:
            array = getattr(self, name)
            if array is not None:
                array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
                digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
                digest.update(array.data)
        return digest.hexdigest()

    def first(self, train, test, shifted):
        """The first `train`, `test` and `shifted` items: a small data set for a quick trial.

        Items keep their published positions. More than there are means all.

        Parameters
        ----------
        train, test, shifted : int
            How many items to keep, each at least 1.

        Returns
        -------
        ImageDataset
            Views, not copies; the digest is that of the smaller content.

        Raises
        ------
        ValueError
            Where a count is not an integer >= 1.
        """
        train = min(check_count(train, name="train"), len(self.train_images))
        test = min(check_count(test, name="test"), len(self.test_images))
        shifted = check_count(shifted, name="shifted")
        return replace(
            self,
            train_images=self.train_images[:train],
            train_labels=self.train_labels[:train],
            test_images=self.test_images[:test],
            test_labels=self.test_labels[:test],
            shifted_images=None if self.shifted_images is None else self.shifted_images[:shifted],
            source=f"{self.source}; the first {train} training and {test} test items only",
        )


def _check_pixels(images, *, name, shape=None):
    images = check_images(images, shape=shape, name=name)
    low, high = images.min(), images.max()
    if low < 0 or high > 1:
        raise ValueError(
            f"`{name}` must lie in [0, 1], so divide by 255 first. Received: values from {low:.6g} "
            f"to {high:.6g}"
        )
    return images
