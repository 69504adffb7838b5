import itertools

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from hetero_unc.data.shift_probes import (
    LEVELS,
    alter,
    blur,
    change_brightness,
    change_contrast,
    occlude,
    rotate,
)


@pytest.fixture(scope="module")
def images():
    """Smooth pictures, so that a library's rounding of places moves no pixel by much."""
    rng = np.random.default_rng(0)
    down, right = np.mgrid[0:20, 0:24] / 24
    waves = rng.normal(size=(6, 3, 1, 1))
    values = 128 + 50 * np.sin(3 * down * waves[:, 0] + 4 * right * waves[:, 1] + waves[:, 2])
    return values.astype(np.uint8)[..., None]


@pytest.mark.parametrize("probe", LEVELS)
def test_the_first_level_changes_nothing_and_each_next_one_more(probe, images):
    altered = [alter(images, probe, level).astype(float) for level in LEVELS[probe]]
    np.testing.assert_array_equal(altered[0], images)
    distance = [np.abs(change - images).mean() for change in altered]
    assert all(low < high for low, high in itertools.pairwise(distance))


@pytest.mark.parametrize("probe", LEVELS)
def test_what_comes_back_is_a_new_array_of_bytes(probe, images):
    before = images.copy()
    for level in LEVELS[probe]:
        altered = alter(images, probe, level)
        assert altered.dtype == np.uint8
        assert altered.shape == images.shape
    np.testing.assert_array_equal(images, before)


def test_brightness_adds_and_cuts_at_black_and_white():
    grey = np.array([0, 10, 128, 250], np.uint8).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(change_brightness(grey, 20).ravel(), [20, 30, 148, 255])
    np.testing.assert_array_equal(change_brightness(grey, -20).ravel(), [0, 0, 108, 230])


@pytest.mark.parametrize("factor", [0.2, 0.5, 1.7])
def test_contrast_is_that_of_pillow(factor, images):
    ours = change_contrast(images, factor)
    for grey, altered in zip(images, ours, strict=True):
        theirs = ImageEnhance.Contrast(Image.fromarray(grey[..., 0])).enhance(factor)
        # Pillow takes the mean grey as a whole number and cuts decimals off.
        difference = altered[..., 0].astype(int) - np.asarray(theirs).astype(int)
        assert np.abs(difference).max() <= 1


def test_blur_is_the_convolution_with_a_gaussian(images):
    spread, reach = 1.5, 6
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-(offsets**2) / (2 * spread**2))
    weights = np.outer(weights, weights) / weights.sum() ** 2
    grey = np.pad(images[0, ..., 0].astype(float), reach, mode="edge")
    expected = np.empty((20, 24))
    for row in range(20):
        for column in range(24):
            window = grey[row : row + 2 * reach + 1, column : column + 2 * reach + 1]
            expected[row, column] = (weights * window).sum()
    assert np.abs(blur(images, spread)[0, ..., 0] - expected).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_occlusion_is_one_square_of_the_right_size_in_the_mean_grey(share, images):
    images = np.where(images == 128, 127, images)  # leave the mean of a picture to its square
    side = round(np.sqrt(share * 20 * 24))
    for grey, covered in zip(images[..., 0], occlude(images, share)[..., 0], strict=True):
        mean = round(grey.mean())
        square = [
            (top, left)
            for top in range(20 - side + 1)
            for left in range(24 - side + 1)
            if (covered[top : top + side, left : left + side] == mean).all()
        ]
        assert len(square) == 1
        top, left = square[0]
        outside = np.ones((20, 24), bool)
        outside[top : top + side, left : left + side] = False
        np.testing.assert_array_equal(covered[outside], grey[outside])


def test_occlusion_lies_where_the_seed_puts_it(images):
    many = np.repeat(images[:1], 400, axis=0)
    first = occlude(many, 0.1, seed=1)
    np.testing.assert_array_equal(first, occlude(many, 0.1, seed=1))
    assert (first != occlude(many, 0.1, seed=2)).any()
    hidden = (first != many).any(axis=0)
    assert hidden.mean() > 0.95, "no corner is safe from it"


@pytest.mark.parametrize(("degrees", "quarters"), [(90, 1), (-90, 3), (180, 2), (360, 0)])
def test_quarter_turns_are_those_of_numpy(degrees, quarters):
    square = np.random.default_rng(0).integers(0, 256, (3, 9, 9, 1)).astype(np.uint8)
    np.testing.assert_array_equal(rotate(square, degrees), np.rot90(square, quarters, (1, 2)))


def test_turns_are_those_of_pillow_away_from_the_edges(images):
    turned = rotate(images, 15)[:, 6:-6, 6:-6, 0].astype(int)
    for grey, ours in zip(images, turned, strict=True):
        theirs = Image.fromarray(grey[..., 0]).rotate(15, Image.Resampling.BILINEAR)
        assert np.abs(ours - np.asarray(theirs)[6:-6, 6:-6]).max() <= 1


@pytest.mark.parametrize(
    ("change", "level", "name"),
    [
        (change_brightness, 256, "grey_levels"),
        (change_contrast, -0.1, "factor"),
        (blur, -1, "pixels"),
        (occlude, 1.1, "share"),
        (occlude, float("nan"), "share"),
        (rotate, 400, "degrees"),
    ],
)
def test_levels_out_of_range_are_refused(change, level, name, images):
    with pytest.raises(ValueError, match=rf"`{name}` must lie in .*Received: {name}="):
        change(images, level)


def test_arguments_are_checked(images):
    with pytest.raises(ValueError, match="`probe` must be one of"):
        alter(images, "fog", 1)
    with pytest.raises(ValueError, match="`images` must be uint8"):
        alter(images / 255, "blur", 1)
    with pytest.raises(ValueError, match="`images` must be uint8"):
        change_brightness(images[0], 1)
    with pytest.raises(ValueError, match="`seed` must be an integer"):
        occlude(images, 0.1, seed=-1)
