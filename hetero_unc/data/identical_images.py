"""Images that are equal pixel by pixel: the same item under two row numbers."""

import numpy as np

from hetero_unc.checks import as_array

__all__ = ["has_twin_in", "identical_groups"]


def identical_groups(images):
    """Number the groups of identical images.

    Compared are the pixels themselves, not a hash of them, so two groups are never taken for one.

    Parameters
    ----------
    images : array-like, shape (N, ...)
        Images of one size and element type, N >= 1.

    Returns
    -------
    ndarray of int64, shape (N,)
        Row of the first image that has the same pixels: an image that occurs once has its own row
        number, and `groups == np.arange(N)` keeps one image of each group.

    Raises
    ------
    ValueError
        Where there is no image or the array is not numeric.

    Examples
    --------
    >>> identical_groups([[[1, 2]], [[3, 4]], [[1, 2]]]).tolist()
    [0, 1, 0]
    """
    images = as_array(images, name="images")
    if images.ndim < 2 or images.size == 0 or images.dtype.kind not in "biuf":
        raise ValueError(
            "`images` must be numeric with at least one image and two axes. "
            f"Received: dtype={images.dtype}, shape={images.shape}"
        )
    first = {}
    return np.array(
        [first.setdefault(image.tobytes(), row) for row, image in enumerate(images)], np.int64
    )


def has_twin_in(groups, rows, others):
    """Which rows show an image that occurs among other rows too.

    Parameters
    ----------
    groups : array-like of int, shape (N,)
        From `identical_groups`.
    rows, others : array-like of int, shape (M,) and (K,)
        Row numbers in [0, N), each at most once. They may overlap: no row is its own twin.

    Returns
    -------
    ndarray of bool, shape (M,)

    Raises
    ------
    ValueError
        Where a row number is not one of `groups`, or is there twice.

    Examples
    --------
    >>> has_twin_in([0, 1, 1], rows=[0, 1], others=[0, 1, 2]).tolist()
    [False, True]
    """
    groups = np.asarray(groups)
    rows = _check_rows(rows, len(groups), name="rows")
    others = _check_rows(others, len(groups), name="others")
    equal = np.bincount(groups[others], minlength=groups.max() + 1)[groups[rows]]
    return equal > np.isin(rows, others)


def _check_rows(rows, length, *, name):
    array = as_array(rows, name=name)
    whole = array.ndim == 1 and array.dtype.kind in "iu"
    if not whole or (array.size and (array.min() < 0 or array.max() >= length)):
        raise ValueError(
            f"`{name}` must be row numbers in [0, {length}). Received: shape={array.shape}, "
            f"dtype={array.dtype}, {array.ravel()[:3]}..."
        )
    distinct, counts = np.unique(array, return_counts=True)
    if len(distinct) < len(array):
        # Counted twice in `others`, a row would be its own twin.
        again = distinct[counts > 1]
        raise ValueError(
            f"`{name}` must hold each row at most once. Received: row {again[0]} more than once "
            f"({len(again)} such rows)"
        )
    return array
