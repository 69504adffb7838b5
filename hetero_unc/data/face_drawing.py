"""Faces of 48 x 48 pixels from eight numbers each: mouth, brows, eyes. NumPy only."""

import numpy as np

__all__ = ["SIDE", "draw_faces"]

SIDE = 48
ITEMS_AT_ONCE = 250


def draw_faces(geometry, *, lying, rng):
    """Draw one face a row; what is no expression differs from face to face at random.

    In the frame of the face, x runs to the right and y down, the head is about 1.6 wide and 2 high,
    and a line that is half a pixel from its pixel covers half of it.

    Parameters
    ----------
    geometry : ndarray of float, shape (N, 8)
        Curve, opening, width and skew of the mouth, height and slope of the brows, opening of the
        eyes, wrinkles beside the nose. 0 is a face at rest and 1 a marked expression.
    lying : ndarray of bool, shape (N,)
        Faces turned by 60 to 90 degrees to either side; the others by a few.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, shape (N, 48, 48, 1)
    """
    items = len(geometry)
    sign = rng.choice([-1.0, 1.0], size=(items, 2))
    tilt = np.where(lying, sign[:, 0] * rng.uniform(60, 90, items), rng.normal(0, 2, items))
    geometry = geometry.copy()
    geometry[:, 3] *= sign[:, 1]  # either corner of the mouth may be the raised one
    person = {
        "tilt": np.deg2rad(tilt),
        "size": rng.uniform(0.92, 1.0, items),
        "x": rng.normal(0, 0.02, items),
        "y": rng.normal(0, 0.02, items),
        "eye_distance": rng.uniform(0.32, 0.35, items),
        "line": rng.uniform(0.030, 0.045, items),
        "ground": rng.uniform(30, 220, items),
        "skin": rng.uniform(150, 230, items),
        "hair": rng.uniform(20, 130, items),
        "ink": rng.uniform(0.1, 0.3, items),
        "light": rng.normal(0, 0.08, items),
        "grain": rng.uniform(1, 4, items),
    }
    images = np.empty((items, SIDE, SIDE, 1), np.uint8)
    for start in range(0, items, ITEMS_AT_ONCE):
        rows = slice(start, start + ITEMS_AT_ONCE)
        one_each = {name: _column(values[rows]) for name, values in person.items()}
        grey = _draw(_column(geometry[rows].T), one_each)
        grey += one_each["grain"] * rng.standard_normal(grey.shape, dtype=np.float32)
        images[rows, :, :, 0] = np.clip(np.rint(grey), 0, 255)
    return images


def _column(values):
    """float32 with two more axes, to stand against pixels."""
    return np.asarray(values, np.float32)[..., None, None]


def _draw(geometry, person):
    """Grey values of some faces, float32 `(N, 48, 48)`; `geometry` is `(8, N, 1, 1)`."""
    curve, opening, width, skew, height, slope, eyes, wrinkles = geometry
    centres = (np.arange(SIDE, dtype=np.float32) + 0.5) * 2 / SIDE - 1
    right, down = centres[None, None, :] - person["x"], centres[None, :, None] - person["y"]
    cosine, sine = np.cos(person["tilt"]), np.sin(person["tilt"])
    x = (cosine * right + sine * down) / person["size"]
    y = (cosine * down - sine * right) / person["size"]
    pixel, line, side = 2 / SIDE / person["size"], person["line"], np.abs(x)

    def covered(distance):
        return np.clip(0.5 - distance / pixel, 0, 1)

    def stroke(across, along, half_length, thickness=1.0):
        return covered(np.hypot(across, np.maximum(along - half_length, 0)) - thickness * line)

    head = covered((np.hypot(x / 0.8, y / 0.97) - 1) * 0.8)
    hair = head * covered(y + 0.62 - 0.25 * x**2)

    half_width = 0.30 * (1 + 0.5 * width)
    across = np.clip(x / half_width, -1, 1)
    middle = 0.48 - 0.17 * curve * (across**2 - 0.4)
    middle -= 0.18 * np.abs(skew) * np.maximum(across * np.sign(skew), 0) ** 2
    half_opening = 0.15 * np.maximum(opening, 0) * np.sqrt(1 - across**2)
    mouth = stroke(np.maximum(np.abs(y - middle) - half_opening, 0), side, half_width)

    brow_at = side - person["eye_distance"]
    brow = stroke(y + 0.38 + 0.12 * height - 0.6 * slope * brow_at, np.abs(brow_at), 0.15, 1.1)

    half_eye = np.maximum(0.075 * (1 + 0.7 * eyes), 0.01)
    eye = (np.hypot(brow_at / 0.14, (y + 0.15) / half_eye) - 1) * np.minimum(half_eye, 0.14)
    white = covered(eye)
    pupil = white * covered(np.hypot(brow_at, y + 0.15) - 0.055)
    lid = covered(np.abs(eye) - 0.6 * line)

    nose = stroke(x, np.abs(y - 0.12), 0.09, 0.7)
    fold = stroke(0.8 * (side - 0.13) - 0.6 * (y - 0.08), np.abs(y - 0.08), 0.09, 0.8)
    fold = fold * np.clip(wrinkles, 0, 1)

    lines = np.maximum.reduce([mouth, brow, lid, pupil, nose, fold])
    face = person["skin"] + white * 0.5 * (255 - person["skin"])
    face = face * (1 - lines * (1 - person["ink"]))
    face = np.where(hair > 0, hair * person["hair"] + (1 - hair) * face, face)
    face = face * (1 + person["light"] * x)
    return head * face + (1 - head) * person["ground"]
