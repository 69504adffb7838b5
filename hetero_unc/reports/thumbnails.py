"""Small pictures of many items within a budget of bytes."""

import base64
import io

import numpy as np
from PIL import Image

from hetero_unc.checks import check_array

__all__ = ["THUMBNAIL_BYTES", "thumbnail", "thumbnails_within"]

THUMBNAIL_BYTES = 6_000_000
LARGEST_SIDE = 96
QUALITY = 80


def thumbnails_within(images, ids, *, budget=THUMBNAIL_BYTES):
    """Pictures of the first of `ids` that have an image, until the budget is spent.

    Parameters
    ----------
    images : mapping of str to array
        By id, as `thumbnail` takes them. Only the images that are used are asked for, so a mapping
        may read them as they are asked for.
    ids : iterable of str
        In the order of importance; repeated ones count once.
    budget : int
        Largest sum of the lengths of what is returned.

    Returns
    -------
    dict of str to str
        Data URIs by id.
    """
    found, spent = {}, 0
    for name in dict.fromkeys(ids):
        if name not in images:
            continue
        uri = thumbnail(images[name])
        spent += len(uri)
        if spent > budget:
            break
        found[name] = uri
    return found


def thumbnail(image):
    """An image as a JPEG data URI whose longer side has at most 96 pixels.

    Parameters
    ----------
    image : array of shape (H, W), (H, W, 1) or (H, W, 3)
        Brightness in [0, 1].
    """
    array = np.asarray(image)
    if array.ndim == 2:
        array = array[..., None]
    array = check_array(array, name="image", ndim=3)
    if array.shape[2] not in (1, 3) or array.min() < 0 or array.max() > 1:
        raise ValueError(
            "`image` must have 1 or 3 channels and lie in [0, 1]. Received: "
            f"shape={array.shape}, {array.min():.6g} to {array.max():.6g}"
        )
    pixels = np.rint(array * 255).astype(np.uint8)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    stream = io.BytesIO()
    picture.save(stream, format="JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
