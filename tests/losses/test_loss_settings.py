"""Both losses as Keras objects: seeds, weights, reductions, configs, and what is refused."""

import keras
import numpy as np
import pytest
from keras import ops

from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood

LOSSES = [ExpectedCrossEntropy, MarginalLikelihood]
# Parameters of 6 items of 3 classes.
GIVEN = np.random.default_rng(0).uniform(0.05, 2.5, (6, 3, 2)).astype("float32")


def five_draws(loss_class, labels, **settings):
    loss = loss_class(5, "draws", sequence="independent", reduction="none", **settings)
    return ops.convert_to_numpy(loss(labels, ops.convert_to_tensor(GIVEN))).astype(np.float64)


@pytest.mark.parametrize("loss_class", LOSSES)
def test_the_same_seed_gives_the_same_loss_and_another_seed_another(loss_class):
    labels = np.zeros(6, int)
    first = five_draws(loss_class, labels, seed=1)
    np.testing.assert_array_equal(first, five_draws(loss_class, labels, seed=1))
    assert (first != five_draws(loss_class, labels, seed=2)).all()


@pytest.mark.parametrize("loss_class", LOSSES)
def test_weights_and_reductions_are_those_of_keras(loss_class):
    labels, weights = np.zeros(6, int), np.arange(6.0)
    single = five_draws(loss_class, labels)
    for reduction, expected in {
        "sum": (weights * single).sum(),
        "sum_over_batch_size": (weights * single).mean(),
    }.items():
        loss = loss_class(5, "draws", sequence="independent", reduction=reduction)
        found = float(loss(labels, ops.convert_to_tensor(GIVEN), sample_weight=weights))
        assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss_class", LOSSES)
def test_the_loss_comes_back_from_its_config(loss_class):
    loss = loss_class(
        draws=7,
        estimator="draws",
        seed=3,
        sequence="antithetic",
        accuracy="high",
        reduction="sum",
        name="mine",
    )
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is loss_class
    assert again.get_config() == loss.get_config()
    labels = np.zeros(6, int)
    assert float(again(labels, GIVEN)) == float(loss(labels, GIVEN))


@pytest.mark.parametrize("loss_class", LOSSES)
def test_a_config_from_before_the_sequences_still_loads(loss_class):
    config = keras.losses.serialize(loss_class(draws=7, estimator="draws", seed=3))
    for name in ("sequence", "accuracy"):
        del config["config"][name]
    again = keras.losses.deserialize(config)
    assert (again.draws, again.estimator, again.seed) == (7, "draws", 3)


@pytest.mark.parametrize("loss_class", LOSSES)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"draws": 0}, "`draws` must be an integer >= 1. Received: draws=0"),
        ({"draws": -3}, "`draws` must be an integer >= 1. Received: draws=-3"),
        ({"draws": 2.0}, "`draws` must be an integer >= 1. Received: draws=2.0"),
        ({"draws": True}, "`draws` must be an integer >= 1. Received: draws=True"),
        ({"seed": -1}, "`seed` must be an integer >= 0. Received: seed=-1"),
        ({"seed": None}, "`seed` must be an integer >= 0. Received: seed=None"),
        ({"estimator": "guess"}, "`estimator` must be one of .*. Received: estimator='guess'"),
        ({"sequence": "halton"}, "`sequence` must be one of .*'sobol'.*. Received: .*'halton'"),
        ({"accuracy": "best"}, "`accuracy` must be one of .*'high'.*. Received: .*'best'"),
    ],
)
def test_settings_that_break_a_rule_are_refused(loss_class, arguments, message):
    with pytest.raises(ValueError, match=message):
        loss_class(**arguments)


@pytest.mark.parametrize("loss_class", LOSSES)
def test_shapes_that_break_a_rule_are_refused(loss_class):
    loss = loss_class(5)
    with pytest.raises(ValueError, match=r"`y_true` must be classes .*Received: shape=\(6, 4\)"):
        loss(np.ones((6, 4)), GIVEN)
    with pytest.raises(ValueError, match=r"`y_true` must be classes .*shape=\(6, 1, 1\)"):
        loss(np.ones((6, 1, 1)), GIVEN)
    with pytest.raises(ValueError, match=r"`parameters` must .*Received: .*shape=\(6, 2\)"):
        loss(np.zeros(6), GIVEN[..., 0][:, :2])
    with pytest.raises(ValueError, match=r"`parameters` must .*shape=\(6, 1, 2\)"):
        loss(np.zeros(6), GIVEN[:, :1])
