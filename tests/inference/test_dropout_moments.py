"""What dropout draws at inference, held against closed forms."""

import keras
import numpy as np
import pytest
from keras import layers

from hetero_unc.inference.monte_carlo_dropout import with_monte_carlo_dropout

MASKS = ("per_item", "per_pass")


def draws_of(model, inputs, **kwargs):
    wrapped = with_monte_carlo_dropout(model, seed=11, **kwargs)
    return np.asarray(wrapped(inputs))


@pytest.mark.parametrize(
    ("kind", "amount", "variance"),
    [
        (layers.Dropout, 0.4, lambda x: 0.4 / 0.6 * x**2),
        (layers.GaussianDropout, 0.4, lambda x: 0.4 / 0.6 * x**2),
        (layers.GaussianNoise, 0.4, lambda x: 0.4**2 * np.ones_like(x)),
    ],
)
@pytest.mark.parametrize("masks", MASKS)
def test_mean_and_variance_of_noise_before_a_dense_layer(kind, amount, variance, masks):
    model = keras.Sequential([keras.Input((None, 5)), kind(amount), layers.Dense(2)])
    x = np.array([0.5, -1.0, 2.0, 0.1, 1.5])
    kernel = np.asarray(model.layers[-1].kernel)
    mean, spread = x @ kernel, variance(x) @ kernel**2
    # One item: its positions draw independently, however items share masks.
    draws = draws_of(model, np.tile(x, (1, 20_000, 1)).astype("float32"), masks=masks)[0]
    error = 5 * np.sqrt(spread / len(draws))
    assert (np.abs(draws.mean(axis=0) - mean) < error).all()
    kurtosis = ((draws - mean) ** 4).mean(axis=0) / spread**2
    tolerance = 5 * np.sqrt((kurtosis - 1) / len(draws))
    assert (np.abs(draws.var(axis=0) / spread - 1) < tolerance).all()


@pytest.mark.parametrize("masks", MASKS)
def test_alpha_dropout_keeps_the_mean_and_variance_of_a_standard_normal(masks):
    model = keras.Sequential([keras.Input((200,)), layers.AlphaDropout(0.3)])
    x = np.random.default_rng(0).normal(size=(500, 200)).astype("float32")
    draws = draws_of(model, x, masks=masks)
    assert abs(draws.mean()) < 0.2
    assert abs(draws.std() - 1) < 0.1
    values, counts = np.unique(draws, return_counts=True)
    dropped = draws == values[counts.argmax()]
    share = dropped[0].mean() if masks == "per_pass" else dropped.mean()
    assert abs(share - 0.3) < 5 * np.sqrt(0.21 / 200)


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_recurrent_dropout_drops_whole_inputs_for_all_time_steps(kind):
    model = keras.Sequential([keras.Input((5, 1)), kind(3, dropout=0.5)])
    x = np.ones((400, 5, 1), "float32")
    draws = draws_of(model, x)
    # One input feature, one mask for all steps: it is there, scaled by two, or it is not.
    kept, dropped = np.asarray(model(2 * x[:1])), np.asarray(model(0 * x[:1]))
    is_kept = np.isclose(draws, kept, atol=1e-5).all(axis=1)
    is_dropped = np.isclose(draws, dropped, atol=1e-5).all(axis=1)
    assert (is_kept ^ is_dropped).all()
    assert abs(is_kept.mean() - 0.5) < 5 * np.sqrt(0.25 / len(x))


def test_spatial_dropout_drops_whole_channels():
    model = keras.Sequential([keras.Input((4, 4, 50)), layers.SpatialDropout2D(0.5)])
    draws = draws_of(model, np.ones((8, 4, 4, 50), "float32"))
    assert (draws == draws[:, :1, :1]).all()
    assert set(np.unique(draws)) == {0.0, 2.0}


def test_augmentation_is_the_identity_and_batch_normalization_uses_its_statistics():
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.RandomFlip(),
            layers.RandomTranslation(0.5, 0.5),
            layers.BatchNormalization(epsilon=0.0, momentum=0.1),
            layers.Dropout(0.5),
        ]
    )
    normal = model.layers[2]
    normal.moving_mean.assign([3.0])
    normal.moving_variance.assign([4.0])
    images = np.random.default_rng(0).normal(size=(20, 6, 6, 1)).astype("float32")
    draws = draws_of(model, images)
    np.testing.assert_allclose(draws[draws != 0], (images - 3)[draws != 0], rtol=1e-5)


def test_variance_of_inserted_dropout_has_its_closed_form():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, use_bias=False)])
    draws = draws_of(model, np.ones((20_000, 4), "float32"), insertion_rate=0.25)
    expected = 0.25 / 0.75 * (np.asarray(model.layers[0].kernel) ** 2).sum()
    assert abs(draws.var() / expected - 1) < 0.05
