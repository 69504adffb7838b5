import numpy as np
import pytest

from hetero_unc.data.image_proxies import (
    brightness,
    contrast,
    image_proxies,
    left_right_asymmetry,
    overexposed_share,
)
from hetero_unc.data.shift_probes import change_brightness, change_contrast


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(60, 200, (7, 12, 11, 1)).astype(np.uint8)


def test_values_worked_out_by_hand():
    halves = np.zeros((1, 4, 6, 1), np.uint8)
    halves[:, :, 3:] = 255
    assert brightness(halves) == pytest.approx([0.5])
    assert contrast(halves) == pytest.approx([0.5])
    assert left_right_asymmetry(halves) == pytest.approx([1.0])
    assert overexposed_share(halves) == pytest.approx([0.5])
    upright = np.swapaxes(halves, 1, 2)
    assert left_right_asymmetry(upright) == pytest.approx([0.0])


def test_asymmetry_is_half_of_one_minus_the_correlation_with_the_mirror_image(images):
    correlation = [
        np.corrcoef(grey.ravel(), grey[:, ::-1].ravel())[0, 1] for grey in images[..., 0]
    ]
    expected = (1 - np.array(correlation)) / 2
    np.testing.assert_allclose(left_right_asymmetry(images), expected, rtol=1e-12)


def test_asymmetry_of_an_image_without_contrast_is_zero():
    assert left_right_asymmetry(np.full((2, 5, 5, 1), 90, np.uint8)) == pytest.approx([0, 0])


def test_asymmetry_depends_on_neither_brightness_nor_contrast(images):
    before = left_right_asymmetry(images)
    np.testing.assert_allclose(left_right_asymmetry(change_brightness(images, 30)), before)
    # Grey levels are whole, which moves a halved contrast a little.
    halved = left_right_asymmetry(change_contrast(images, 0.5))
    np.testing.assert_allclose(halved, before, atol=0.01)


def test_brightness_and_contrast_follow_a_change_of_light(images):
    brighter = change_brightness(images, 51)
    np.testing.assert_allclose(brightness(brighter), brightness(images) + 0.2)
    np.testing.assert_allclose(contrast(brighter), contrast(images))


def test_overexposure_begins_at_250():
    grey = np.array([249, 250, 255, 0], np.uint8).reshape(1, 2, 2, 1)
    assert overexposed_share(grey) == pytest.approx([0.5])


def test_all_proxies_come_by_name(images):
    proxies = image_proxies(images)
    assert list(proxies) == [
        "brightness",
        "contrast",
        "left_right_asymmetry",
        "overexposed_share",
    ]
    np.testing.assert_array_equal(proxies["contrast"], contrast(images))


@pytest.mark.parametrize("shape", [(12, 11, 1), (2, 5, 5, 3), (0, 5, 5, 1)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="`images` must be uint8 of shape"):
        image_proxies(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="Received: dtype=float64"):
        brightness(np.zeros((2, 5, 5, 1)))
