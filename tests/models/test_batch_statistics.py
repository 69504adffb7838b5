"""Statistics of batch normalisation that are those of given images, against NumPy."""

import keras
import numpy as np
import pytest

from hetero_unc.models import estimate_batch_statistics

IMAGES = np.random.default_rng(0).normal(3.0, 2.0, size=(20, 4, 4, 2)).astype("float32")


def network():
    return keras.Sequential(
        [
            keras.Input((4, 4, 2)),
            keras.layers.BatchNormalization(scale=False, name="first"),
            keras.layers.Conv2D(3, 2, name="conv"),
            keras.layers.BatchNormalization(momentum=0.9, name="second"),
        ]
    )


def test_statistics_are_means_over_whole_batches_and_nothing_else_changes():
    model = network()
    kernel = model.get_layer("conv").kernel.numpy()
    estimate_batch_statistics(model, IMAGES, batch_size=8)
    batches = [IMAGES[:8], IMAGES[8:16]]  # the last four fill no batch
    first = model.get_layer("first")
    means = np.mean([batch.mean(axis=(0, 1, 2)) for batch in batches], axis=0)
    variances = np.mean([batch.var(axis=(0, 1, 2)) for batch in batches], axis=0)
    np.testing.assert_allclose(first.moving_mean, means, rtol=1e-5)
    np.testing.assert_allclose(first.moving_variance, variances, rtol=1e-5)
    np.testing.assert_array_equal(model.get_layer("conv").kernel, kernel)
    assert (first.momentum, model.get_layer("second").momentum) == (0.99, 0.9)


def test_what_comes_out_of_the_last_layer_is_standardised():
    model = network()
    estimate_batch_statistics(model, IMAGES[:16], batch_size=16)
    found = np.asarray(model(IMAGES[:16]))
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=(0, 1, 2)), 1, atol=0.01)


def test_too_few_images_and_models_without_normalisation_are_refused():
    with pytest.raises(ValueError, match=r"must hold a batch at least. Received: 20 images"):
        estimate_batch_statistics(network(), IMAGES, batch_size=64)
    plain = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="must hold batch normalisation"):
        estimate_batch_statistics(plain, IMAGES, batch_size=8)
