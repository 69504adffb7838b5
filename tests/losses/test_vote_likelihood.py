"""VoteLikelihood: both estimators, hundreds of votes, training, saving, bad input."""

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf
from keras import ops

from hetero_unc.gaussian import draw_logits, vote_integrals
from hetero_unc.gaussian.sequences import SEQUENCES
from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import MarginalLikelihood, VoteLikelihood

ESTIMATORS = ["exact", "draws"]


@pytest.fixture(autouse=True)
def _uncompiled(monkeypatch):
    """Compiling takes seconds for each shape; tests/gaussian compiles it."""
    plain = vote_integrals.fast_log_kernel.__wrapped__
    monkeypatch.setattr(vote_integrals, "fast_log_kernel", plain)


def problem(items=6, classes=4, most=8, seed=0):
    rng = np.random.default_rng(seed)
    parameters = np.stack(
        [rng.normal(0, 1.5, (items, classes)), rng.uniform(0.05, 1.5, (items, classes))], axis=-1
    )
    shares = rng.dirichlet(np.ones(classes), items)
    return parameters.astype("float32"), rng.multinomial(most, shares)


def per_item(votes, parameters, **kwargs):
    loss = VoteLikelihood(reduction="none", **kwargs)
    return np.asarray(loss(votes, ops.convert_to_tensor(parameters)), np.float64)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_both_estimators_agree_within_the_error_of_the_draws(sequence):
    parameters, votes = problem()
    draws = 20_000
    exact = per_item(votes, parameters)
    drawn = per_item(votes, parameters, estimator="draws", draws=draws, sequence=sequence)
    loc, scale = np.moveaxis(parameters.astype(float), -1, 0)
    noise = np.random.default_rng(1).standard_normal((draws, *loc.shape))
    log_p = scipy.special.log_softmax(loc + scale * noise, axis=-1)
    product = np.exp((votes * log_p).sum(axis=-1))
    error = product.std(axis=0) / product.mean(axis=0) / np.sqrt(draws)
    np.testing.assert_array_less(np.abs(drawn - exact), 4 * error + error**2 + 1e-5)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_without_noise_it_is_the_cross_entropy_of_the_counts(estimator):
    parameters, votes = problem(most=400)
    parameters[..., 1] = 0
    log_p = scipy.special.log_softmax(parameters[..., 0].astype(float), axis=-1)
    found = per_item(votes, parameters, estimator=estimator, draws=10)
    np.testing.assert_allclose(found, -(votes * log_p).sum(axis=-1), rtol=1e-5)


def test_one_vote_is_the_marginal_likelihood():
    parameters, _ = problem()
    classes = np.array([0, 1, 2, 3, 0, 1])
    other = MarginalLikelihood(5_000, estimator="draws", reduction="none")
    np.testing.assert_allclose(
        per_item(np.eye(4)[classes], parameters), other(classes, parameters), rtol=0.05
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_hundreds_of_votes_stay_finite_with_their_gradients(estimator):
    parameters, votes = problem(most=600)
    parameters[:3, :, 0] *= 20
    loss = VoteLikelihood(100, estimator=estimator)
    with tf.GradientTape() as tape:
        watched = tf.Variable(parameters)
        value = loss(votes, watched)
    assert np.isfinite(value)
    assert np.isfinite(tape.gradient(value, watched)).all()


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_the_gradient_of_draws_is_that_of_the_same_draws_in_memory(sequence):
    parameters, votes = problem()
    votes[0] = 0
    watched = tf.Variable(parameters)
    logits = draw_logits(watched, 51, seed=3, sequence=sequence)
    noise = (logits - watched[..., 0]) / watched[..., 1]
    with tf.GradientTape() as tape:
        log_p = tf.nn.log_softmax(watched[..., 0] + watched[..., 1] * noise)
        likelihood = tf.reduce_sum(votes.astype("float32") * log_p, axis=-1)
        wanted = np.log(51) - tf.reduce_logsumexp(likelihood, axis=0)
    to_wanted = tape.gradient(wanted, watched)
    loss = VoteLikelihood(51, "draws", seed=3, sequence=sequence, reduction="none")
    with tf.GradientTape() as tape:
        # Without a look at the votes, one row of which is empty.
        found = tf.function(loss.call)(tf.constant(votes), watched)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(tape.gradient(found, watched), to_wanted, rtol=1e-3, atol=1e-4)


def test_agreeing_annotators_ask_for_less_noise_than_ones_that_share_a_doubt():
    """Items of one unanimous kind each need wide logits; items that are all split need none."""
    parameters = np.tile(np.array([[0.0, 1.0], [0.0, 1.0]], "float32"), (2, 1, 1))
    slopes = []
    for votes in ([[10, 0], [0, 10]], [[5, 5], [5, 5]]):
        with tf.GradientTape() as tape:
            watched = tf.Variable(parameters)
            value = VoteLikelihood()(np.array(votes), watched)
        slopes.append(tape.gradient(value, watched).numpy()[..., 1].sum())
    assert slopes[0] < 0 < slopes[1]


def test_a_model_learns_the_spread_of_its_annotators():
    rng = np.random.default_rng(2)
    gap = rng.normal(0.0, 2.0, 600)
    votes = rng.binomial(20, scipy.special.expit(gap))
    votes = np.stack([votes, 20 - votes], axis=-1)
    model = keras.Sequential([keras.Input((1,)), GaussianLogits(2)])
    model.compile(keras.optimizers.Adam(0.1), VoteLikelihood(), jit_compile=False)
    model.fit(np.ones((600, 1)), votes, batch_size=100, epochs=30, verbose=0)
    loc, scale = model.predict(np.ones((1, 1)), verbose=0)[0].T
    assert loc[0] - loc[1] == pytest.approx(gap.mean(), abs=0.15)
    assert np.hypot(*scale) == pytest.approx(gap.std(), abs=0.25)


def test_it_comes_back_from_its_config():
    loss = VoteLikelihood(
        7, "draws", accuracy="high", seed=3, sequence="antithetic", reduction="sum"
    )
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, VoteLikelihood)
    assert again.get_config() == loss.get_config()
    assert (again.draws, again.estimator, again.accuracy, again.seed) == (7, "draws", "high", 3)
    assert again.name == VoteLikelihood().name == "vote_likelihood"


def test_a_config_from_before_the_sequences_still_loads():
    config = keras.losses.serialize(VoteLikelihood(7, "draws"))
    del config["config"]["sequence"]
    assert keras.losses.deserialize(config).draws == 7


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"draws": 0}, "`draws` must be"),
        ({"estimator": "mean_field"}, "`estimator` must be one of"),
        ({"accuracy": "best"}, "`accuracy` must be one of"),
        ({"seed": -1}, "`seed` must be"),
        ({"sequence": "halton"}, "`sequence` must be one of"),
    ],
)
def test_settings_are_checked_at_construction(settings, message):
    with pytest.raises(ValueError, match=message):
        VoteLikelihood(**settings)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("votes", "message"),
    [
        ([[1, -1, 2, 0]], "`y_true` must be counts"),
        ([[0.5, 0.5, 0, 0]], "`y_true` must be counts"),
        ([[0, 0, 0, 0]], "Every row of `y_true` must hold a vote"),
        ([[1, 2, 3]], r"counts of votes, \(N, C\)"),
        ([2], r"counts of votes, \(N, C\)"),
    ],
)
def test_votes_are_checked_where_they_can_be_seen(votes, message, estimator):
    parameters, _ = problem(items=1)
    with pytest.raises(ValueError, match=message):
        VoteLikelihood(estimator=estimator)(np.array(votes), ops.convert_to_tensor(parameters))


def test_a_scale_below_zero_is_refused():
    parameters, votes = problem()
    parameters[2, 1, 1] = -1
    with pytest.raises(ValueError, match="`scale` must be"):
        VoteLikelihood()(votes, ops.convert_to_tensor(parameters))
