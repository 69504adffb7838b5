"""Images altered by a known amount: does doubt rise when light, sharpness or pose change?

Every change takes uint8 images `(N, H, W, K)` and returns as many; at its first level in `LEVELS`
it leaves them as they are. NumPy, and SciPy where a change needs it.
"""

import numpy as np

from hetero_unc.checks import as_array, check_choice, check_count

__all__ = [
    "LEVELS",
    "alter",
    "blur",
    "change_brightness",
    "change_contrast",
    "occlude",
    "rotate",
]

# Name of a probe -> its levels, from none to strong, in the unit of its function.
LEVELS = {
    "brightness": (0.0, 20.0, 40.0, 60.0, 80.0, 100.0),
    "contrast": (1.0, 0.7, 0.5, 0.35, 0.2, 0.1),
    "blur": (0.0, 0.5, 1.0, 1.5, 2.0, 3.0),
    "occlusion": (0.0, 0.05, 0.1, 0.2, 0.3, 0.4),
    "rotation": (0.0, 10.0, 20.0, 30.0, 45.0, 90.0),
}


def alter(images, probe, level, *, seed=0):
    """The images at one level of a probe, by its name.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, K)
    probe : str
        One of `LEVELS`.
    level : float
        In the unit of the probe's function; `LEVELS[probe]` holds usual ones.
    seed : int, default=0
        At least 0; places the occlusion, and is not used by the others.

    Returns
    -------
    ndarray of uint8, same shape

    Raises
    ------
    ValueError
        Where an argument breaks its rule.
    """
    if check_choice(probe, LEVELS, name="probe") == "occlusion":
        return occlude(images, level, seed=seed)
    changes = {
        "brightness": change_brightness,
        "contrast": change_contrast,
        "blur": blur,
        "rotation": rotate,
    }
    return changes[probe](images, level)


def change_brightness(images, grey_levels):
    """Add `grey_levels`, of either sign and at most 255, to every pixel; cut to 0 to 255."""
    images = _check_images(images)
    _check_range(grey_levels, -255, 255, name="grey_levels")
    return _to_bytes(images.astype(np.float32) + np.float32(grey_levels))


def change_contrast(images, factor):
    """Scale each image's distance from its own mean grey by `factor`, 0 to 10: 1 changes nothing.

    The mean is that of all pixels and channels; the result is cut to 0 to 255.
    """
    images = _check_images(images)
    _check_range(factor, 0, 10, name="factor")
    mean = images.mean(axis=(1, 2, 3), keepdims=True, dtype=np.float32)
    return _to_bytes(mean + np.float32(factor) * (images - mean))


def blur(images, pixels):
    """Convolve with a Gaussian of `pixels` standard deviation, 0 to 100; edges are continued."""
    from scipy.ndimage import gaussian_filter

    images = _check_images(images)
    _check_range(pixels, 0, 100, name="pixels")
    spread = (0, pixels, pixels, 0)
    return _to_bytes(gaussian_filter(images.astype(np.float32), spread, mode="nearest"))


def occlude(images, share, *, seed=0):
    """Lay one square over each image, at a random place, in the image's own mean grey.

    Brightness then stays as it is, and what changes is what can be seen.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, K)
    share : float
        Of the area that is covered, 0 to 1, up to whole pixels and to the smaller side.
    seed : int, default=0
        At least 0; the same places at every share that is equally large.

    Returns
    -------
    ndarray of uint8, same shape

    Raises
    ------
    ValueError
        Where an argument breaks its rule.
    """
    images = _check_images(images)
    _check_range(share, 0, 1, name="share")
    rng = np.random.default_rng(check_count(seed, name="seed", minimum=0))
    items, height, width, _ = images.shape
    side = min(round(np.sqrt(share * height * width)), height, width)
    # A place is drawn as a share of the room there is, so a larger square covers the smaller one's
    # place: each item's series is one thing growing.
    top, left = (np.floor(rng.random((items, 2)) * (np.array([height, width]) - side + 1))).T
    row, column = np.arange(height)[None, :], np.arange(width)[None, :]
    rows = (row >= top[:, None]) & (row < top[:, None] + side)
    columns = (column >= left[:, None]) & (column < left[:, None] + side)
    covered = (rows[:, :, None] & columns[:, None, :])[..., None]
    return np.where(covered, _to_bytes(images.mean(axis=(1, 2), keepdims=True)), images)


def rotate(images, degrees):
    """Turn counter-clockwise about the centre, by `degrees` from -360 to 360; edges are continued.

    Bilinear, so a turn that is no multiple of 90 also smooths a little.
    """
    from scipy.ndimage import rotate as rotate_array

    images = _check_images(images)
    _check_range(degrees, -360, 360, name="degrees")
    turned = rotate_array(
        images.astype(np.float32), degrees, axes=(2, 1), reshape=False, order=1, mode="nearest"
    )
    return _to_bytes(turned)


def _check_images(images):
    array = as_array(images, name="images")
    if array.dtype != np.uint8 or array.ndim != 4 or array.size == 0:
        raise ValueError(
            "`images` must be uint8 of shape (N, H, W, K), none of them 0. "
            f"Received: dtype={array.dtype}, shape={array.shape}"
        )
    return array


def _check_range(value, low, high, *, name):
    # Written so that NaN fails as well.
    if not low <= value <= high:
        raise ValueError(f"`{name}` must lie in [{low}, {high}]. Received: {name}={value!r}")


def _to_bytes(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
