"""Kernels of mean 0 and variance 1 / fan-in, against the formula written out in NumPy."""

import keras
import numpy as np
import pytest
from scipy import signal

from hetero_unc.layers import StandardisedConv2D


def built(filters=3, channels=2, **options):
    layer = StandardisedConv2D(filters, 3, **options)
    layer.build((None, None, None, channels))
    rng = np.random.default_rng(0)
    layer.kernel.assign(rng.normal(2.0, 3.0, layer.kernel.shape))
    layer.gain.assign([0.5, 1.0, 2.0][:filters])
    return layer


def test_outputs_equal_scipys_correlation_with_the_standardised_kernel():
    layer = built()
    kernel = keras.ops.convert_to_numpy(layer.kernel).astype(float)
    flat = kernel.reshape(-1, 3)
    flat = (flat - flat.mean(axis=0)) / np.sqrt(len(flat) * flat.var(axis=0)) * [0.5, 1.0, 2.0]
    kernel = flat.reshape(kernel.shape)
    image = np.random.default_rng(1).normal(size=(7, 6, 2))
    out = keras.ops.convert_to_numpy(layer(image[None].astype(np.float32)))[0]
    for filter_ in range(3):
        expected = sum(
            signal.correlate2d(image[..., channel], kernel[..., channel, filter_], mode="valid")
            for channel in range(2)
        )
        np.testing.assert_allclose(out[..., filter_], expected, atol=1e-5)


def test_white_inputs_keep_their_variance():
    layer = StandardisedConv2D(64, 3, kernel_initializer=keras.initializers.HeNormal(0))
    images = np.random.default_rng(2).normal(size=(2, 32, 32, 16)).astype(np.float32)
    assert keras.ops.convert_to_numpy(layer(images)).var() == pytest.approx(1, rel=0.05)


def test_scale_and_offset_of_the_kernel_change_nothing():
    layer = built()
    image = np.random.default_rng(3).normal(size=(1, 5, 5, 2)).astype(np.float32)
    before = keras.ops.convert_to_numpy(layer(image))
    layer.kernel.assign(5 * layer.kernel + 1)
    np.testing.assert_allclose(layer(image), before, atol=1e-4)


def test_a_constant_kernel_stays_finite():
    layer = built()
    layer.kernel.assign(np.ones(layer.kernel.shape))
    assert np.isfinite(layer(np.ones((1, 5, 5, 2), np.float32))).all()


def test_a_saved_model_predicts_the_same(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 2)), built(padding="same", strides=2)])
    image = np.random.default_rng(4).normal(size=(1, 8, 8, 2)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(model(image), loaded(image))


def test_groups_are_refused():
    with pytest.raises(ValueError, match="`groups` must be 1"):
        StandardisedConv2D(4, 3, groups=2)
