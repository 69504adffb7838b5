"""The tutorial's network: its size, its seeds, and what it refuses."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from hetero_unc.inference import MonteCarloDropout, predict
from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood
from hetero_unc.models import small_cnn

SHAPE = (8, 8, 1)


def images(items=6):
    return np.random.default_rng(0).random((items, *SHAPE), dtype=np.float32)


@pytest.mark.parametrize(
    ("head", "parameters"),
    [
        (keras.layers.Dense(10), 3_274_634),
        (GaussianLogits(10), 3_284_884),
        (GaussianLogits(10, scale="shared"), 3_274_634 + 1025),
        ([GaussianLogits(10), LogExpectedSoftmax()], 3_284_884),
    ],
)
def test_it_has_the_published_number_of_parameters(head, parameters):
    model = small_cnn(head)
    assert model.count_params() == parameters
    assert model.input_shape == (None, 28, 28, 1)


def test_sizes_and_rates_reach_the_layers():
    augmentation = (keras.layers.RandomFlip(seed=1), keras.layers.RandomTranslation(0.1, 0.1))
    model = small_cnn(
        GaussianLogits(3), input_shape=(12, 10, 3), dropout=0.25, augmentation=augmentation
    )
    assert model.input_shape == (None, 12, 10, 3)
    assert model.output_shape == (None, 3, 2)
    assert model.get_layer("dropout").rate == 0.25
    assert tuple(model.layers[:2]) == augmentation
    assert model.get_layer("flatten").output.shape == (None, 3 * 2 * 64)


def test_augmentation_acts_in_training_only():
    flip = keras.layers.RandomTranslation(0.5, 0.5, seed=1)
    model = small_cnn(
        GaussianLogits(3, seed=1), input_shape=SHAPE, dropout=0.0, augmentation=[flip], seed=0
    )
    plain = model.predict(images(), verbose=0)
    np.testing.assert_array_equal(model.predict(images(), verbose=0), plain)
    assert np.abs(model(images(), training=True) - plain).max() > 1e-3


def trained(loss_class=MarginalLikelihood, seed=3):
    model = small_cnn(GaussianLogits(3, seed=seed), input_shape=SHAPE, seed=seed)
    model.compile(keras.optimizers.Adam(0.01), loss_class(10, seed=seed))
    model.fit(images(), np.arange(6) % 3, batch_size=3, epochs=2, shuffle=False, verbose=0)
    return model


def weights_of(model):
    return [weight.numpy() for weight in model.weights]


def all_that_is_done():
    """Build, train, predict with and without dropout; everything seeded."""
    model = trained()
    passes = MonteCarloDropout(model, passes=2, draws=5, seed=3).predict(images(), batch_size=4)
    return weights_of(model), passes.probabilities, predict(model, images(), draws=5).probabilities


def test_the_same_seed_gives_the_same_numbers_to_the_bit_and_touches_nothing_global():
    def next_of_each():
        return [tf.random.normal((3,)).numpy(), keras.random.normal((3,)).numpy()]

    keras.utils.set_random_seed(11)
    expected = next_of_each()
    keras.utils.set_random_seed(11)
    before = random.getstate(), np.random.get_state()  # noqa: NPY002 (it must stay untouched)
    first = all_that_is_done()
    assert random.getstate() == before[0]
    np.testing.assert_equal(np.random.get_state(), before[1])  # noqa: NPY002
    keras.tree.map_structure(np.testing.assert_array_equal, next_of_each(), expected)
    # Another global seed: the numbers depend on no global state either.
    keras.utils.set_random_seed(12)
    keras.tree.map_structure(np.testing.assert_array_equal, all_that_is_done(), first)


def test_the_other_loss_gives_the_same_numbers_for_the_same_seed_too():
    one, other = (weights_of(trained(ExpectedCrossEntropy)) for _ in range(2))
    keras.tree.map_structure(np.testing.assert_array_equal, one, other)


def test_it_comes_back_from_disk_with_identical_outputs(tmp_path):
    model = trained()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        again.predict(images(), verbose=0), model.predict(images(), verbose=0)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (28, 28)}, r"`input_shape` must be \(H, W, K\). Received: .*\(28, 28\)"),
        ({"input_shape": (3, 28, 1)}, "smaller side of `input_shape`.* >= 4"),
        ({"input_shape": (28, 28, 0)}, "channels of `input_shape`.* >= 1"),
        ({"input_shape": (None, 28, 1)}, "smaller side of `input_shape`.* >= 4.*None"),
        ({"dropout": 1.5}, "`dropout` must be a rate"),
        ({"dropout": 1.0}, r"`dropout` must be a rate in \[0, 1\). Received: dropout=1.0"),
    ],
)
def test_settings_that_break_a_rule_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        small_cnn(GaussianLogits(3), **arguments)
