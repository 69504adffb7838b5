"""Images that are equal pixel by pixel: the same item under two row numbers."""

import numpy as np

from hetero_unc.checks import as_array

__all__ = ["identical_groups"]


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
