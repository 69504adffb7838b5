"""One resampling, held against SciPy's for the map it was asked for."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from hetero_unc.layers import RandomAffine


def faces(items=4, height=20, width=16):
    return np.random.default_rng(0).random((items, height, width, 1)).astype(np.float32)


def test_without_training_images_pass_unchanged():
    images = faces()
    assert np.array_equal(RandomAffine(seed=1)(images), images)


def test_no_change_asked_for_is_none_made():
    layer = RandomAffine(rotation=0, shift=0, zoom=0, mirror=False, seed=1)
    np.testing.assert_allclose(layer(faces(), training=True), faces(), atol=1e-6)


def test_mirroring_alone_flips_about_half_of_the_images():
    images = faces(400, 8, 8)
    layer = RandomAffine(rotation=0, shift=0, zoom=0, seed=3)
    out = keras.ops.convert_to_numpy(layer(images, training=True))
    same = np.isclose(out, images, atol=1e-5).all(axis=(1, 2, 3))
    flipped = np.isclose(out, images[:, :, ::-1], atol=1e-5).all(axis=(1, 2, 3))
    assert (same ^ flipped).all()
    assert 150 < flipped.sum() < 250


def test_inside_of_the_image_equals_scipys_resampling():
    images = faces(8, 24, 20)
    layer = RandomAffine(rotation=30, shift=0.1, zoom=0.2, seed=5)
    transforms = keras.ops.convert_to_numpy(layer._transforms(8, 24, 20))
    layer = RandomAffine(rotation=30, shift=0.1, zoom=0.2, seed=5)
    out = keras.ops.convert_to_numpy(layer(images, training=True))
    ys, xs = np.mgrid[:24, :20].astype(float)
    compared = 0
    for image, (a, b, x, c, d, y, *_), changed in zip(images, transforms, out, strict=True):
        at_x, at_y = a * xs + b * ys + x, c * xs + d * ys + y
        inside = (at_x >= 0) & (at_x <= 19) & (at_y >= 0) & (at_y <= 23)
        expected = ndimage.map_coordinates(image[..., 0], [at_y, at_x], order=1)
        np.testing.assert_allclose(changed[..., 0][inside], expected[inside], atol=2e-4)
        compared += inside.sum()
    assert compared > 2000


def test_the_middle_stays_where_it_is_without_a_shift():
    image = np.zeros((1, 21, 21, 1), np.float32)
    image[0, 10, 10] = 1
    layer = RandomAffine(rotation=180, shift=0, zoom=0.5, seed=2)
    for _ in range(5):
        out = keras.ops.convert_to_numpy(layer(image, training=True))
        assert out[0, 10, 10, 0] == pytest.approx(1, abs=1e-4)


def test_it_differs_from_call_to_call_and_repeats_with_its_seed():
    images = faces()
    one, other = RandomAffine(seed=7), RandomAffine(seed=7)
    first, second = one(images, training=True), one(images, training=True)
    assert not np.allclose(first, second)
    assert np.array_equal(first, other(images, training=True))


def test_a_saved_model_has_the_same_layer(tmp_path):
    model = keras.Sequential(
        [keras.Input((None, None, 1)), RandomAffine(rotation=3, shift=0.2, zoom=0.3, mirror=False)]
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[-1]
    assert loaded.get_config() == model.layers[-1].get_config()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rotation": -1}, "`rotation` must be in"),
        ({"shift": 1.0}, "`shift` must be in"),
        ({"zoom": -0.1}, "`zoom` must be in"),
        ({"seed": -1}, "`seed` must be"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        RandomAffine(**options)
