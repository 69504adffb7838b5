"""Grey faces made larger and standardised, against Pillow."""

import numpy as np
import pytest
from PIL import Image

from hetero_unc.models import FACE_PREPROCESSINGS, face_preprocessing

FACES = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1)).astype("uint8")
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def resized_by_pillow(how):
    # Images of floats, which Pillow neither rounds nor cuts off at 0 and 255.
    faces = [Image.fromarray(face[..., 0].astype("float32")) for face in FACES]
    return np.stack([face.resize((160, 160), FILTERS[how]) for face in faces])


@pytest.mark.parametrize("name", FACE_PREPROCESSINGS)
def test_it_agrees_with_pillow(name):
    found = np.asarray(face_preprocessing(name)(FACES))
    assert found.shape == (3, 160, 160, 3)
    assert found.dtype == np.float32
    how = FACE_PREPROCESSINGS[name][0]
    grey = found if name.startswith("published") else 128 * found + 127.5
    # TensorFlow rounds bicubic weights, by a table of 1,024 positions.
    tolerance = 0.25 if how == "bicubic" else 0.01
    np.testing.assert_allclose(grey[..., 0], resized_by_pillow(how), rtol=0, atol=tolerance)
    np.testing.assert_array_equal(found[..., 0], found[..., 1])
    np.testing.assert_array_equal(found[..., 0], found[..., 2])


def test_black_and_white_become_what_facenet_was_trained_on():
    faces = np.stack([np.zeros((48, 48, 1)), np.full((48, 48, 1), 255)]).astype("uint8")
    black, white = np.asarray(face_preprocessing()(faces))
    np.testing.assert_allclose(black, -127.5 / 128, rtol=1e-6)
    np.testing.assert_allclose(white, 127.5 / 128, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "raw"}, "`name` must be one of .*'published_nearest'.*Received: name='raw'"),
        ({"input_shape": (48, 48, 3)}, r"`input_shape` must be \(H, W, 1\)"),
        ({"size": 0}, "`size` must be an integer >= 1"),
    ],
)
def test_what_it_does_not_know_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        face_preprocessing(**arguments)
