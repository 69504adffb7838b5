"""What can be measured of an image where nobody labelled light or pose. NumPy only.

The second seed's paper says that epistemic doubt is high for darker skin, faces turned away and too
much light. No data set here labels any of these. The proxies below are of pictures, not of people:
a dark picture may show a dark room, and a face seen from the front and lit from one side is as
asymmetric as one that is turned.
"""

import numpy as np

from hetero_unc.checks import as_array

__all__ = ["brightness", "contrast", "image_proxies", "left_right_asymmetry", "overexposed_share"]

OVEREXPOSED = 250


def image_proxies(images):
    """All proxies of this module.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, 1)

    Returns
    -------
    dict of str to ndarray of float64, shape (N,)
        `"brightness"`, `"contrast"`, `"left_right_asymmetry"`, `"overexposed_share"`.

    Raises
    ------
    ValueError
        Where `images` are not uint8 of this shape, or there are none.
    """
    measures = (brightness, contrast, left_right_asymmetry, overexposed_share)
    return {measure.__name__: measure(images) for measure in measures}


def brightness(images):
    """Mean grey of each image as a share of white, in [0, 1]: uint8 (N, H, W, 1) -> (N,)."""
    return _check_images(images).mean(axis=(1, 2)) / 255


def contrast(images):
    """Standard deviation of the grey of each image, as a share of white, in [0, 0.5]."""
    return _check_images(images).std(axis=(1, 2)) / 255


def left_right_asymmetry(images):
    """Share of the variance of each image that changes sign in its mirror image.

    An image is the sum of an even part, the same in the mirror, and an odd one; this is the
    variance of the odd part over that of the image, (1 - r) / 2 with r the correlation of the
    pixels with their mirror image. Adding grey or changing the contrast does not move it.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, 1)

    Returns
    -------
    ndarray of float64, shape (N,)
        In [0, 1]: 0 for a symmetric image (and for one without any contrast), 1 for a slope of
        grey from left to right.

    Raises
    ------
    ValueError
        Where `images` are not uint8 of this shape, or there are none.
    """
    grey = _check_images(images)
    odd = (grey - grey[:, :, ::-1]) / 2
    variance = grey.var(axis=(1, 2))
    return np.square(odd).mean(axis=(1, 2)) / np.where(variance > 0, variance, 1.0)


def overexposed_share(images):
    """Share of the pixels of each image that are white or nearly so, 250 to 255, in [0, 1]."""
    return (_check_images(images) >= OVEREXPOSED).mean(axis=(1, 2))


def _check_images(images):
    array = as_array(images, name="images")
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[-1] != 1 or array.size == 0:
        raise ValueError(
            "`images` must be uint8 of shape (N, H, W, 1), none of them 0. "
            f"Received: dtype={array.dtype}, shape={array.shape}"
        )
    return array[..., 0].astype(np.float64)
