"""Held against SciPy's resampling and against quarter turns."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from hetero_unc.layers import Rotation


def images(height=21, width=21):
    return np.random.default_rng(0).random((3, height, width, 2)).astype(np.float32)


def turned(angle, batch):
    return keras.ops.convert_to_numpy(Rotation(angle)(batch))


def test_a_quarter_turn_is_numpys():
    for quarters in (1, 2, 3):
        expected = np.rot90(images(), quarters, axes=(1, 2))
        np.testing.assert_allclose(turned(90 * quarters, images()), expected, atol=1e-4)


@pytest.mark.parametrize("angle", [-33.0, 6.0])
def test_any_angle_is_scipys(angle):
    batch = images(18, 25)
    expected = ndimage.rotate(
        batch, angle, axes=(2, 1), reshape=False, order=1, mode="nearest", prefilter=False
    )
    np.testing.assert_allclose(turned(angle, batch), expected, atol=2e-4)


def test_settings_survive():
    layer = Rotation.from_config(Rotation(7.5, name="turn").get_config())
    assert layer.angle == 7.5


@pytest.mark.parametrize("angle", [np.nan, np.inf])
def test_an_angle_without_a_size_is_refused(angle):
    with pytest.raises(ValueError, match="`angle` must be finite"):
        Rotation(angle)
