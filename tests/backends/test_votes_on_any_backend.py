"""The likelihood of votes on every backend of Keras, with its gradients."""

import keras
import numpy as np
import pytest
import scipy.special
from keras import ops

from hetero_unc.gaussian.vote_integrals import log_expected_votes
from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import VoteLikelihood


def value_and_gradients(loc, scale, votes):
    """The sum of the log-likelihoods and its gradients in loc and scale, as NumPy."""
    loc, scale = (ops.convert_to_tensor(each, dtype="float32") for each in (loc, scale))

    def function(loc, scale):
        return ops.sum(log_expected_votes(loc, scale, votes))

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch([loc, scale])
            value = function(loc, scale)
        gradients = tape.gradient(value, [loc, scale])
    elif backend == "jax":
        import jax

        value, gradients = jax.jit(jax.value_and_grad(function, argnums=(0, 1)))(loc, scale)
    else:
        loc, scale = loc.requires_grad_(), scale.requires_grad_()
        value = function(loc, scale)
        value.backward()
        gradients = (loc.grad, scale.grad)
    return tuple(np.asarray(ops.convert_to_numpy(each), float) for each in (value, *gradients))


def reference(loc, scale, votes):
    """The same by a product of Gauss-Hermite rules for two classes, in float64."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = np.log(np.outer(weights, weights) / weights.sum() ** 2)
    total = 0.0
    for (a, b), (s, r), row in zip(loc, scale, votes, strict=True):
        z = np.stack(np.meshgrid(a + s * nodes, b + r * nodes, indexing="ij"), axis=-1)
        total += scipy.special.logsumexp(weights + scipy.special.log_softmax(z, axis=-1) @ row)
    return total


def test_value_and_gradients_are_those_of_the_integral():
    loc, scale = np.array([[0.5, -1.0], [3.0, 0.0]]), np.array([[0.7, 1.2], [0.3, 1.0]])
    votes = np.array([[3, 2], [0, 1]])
    value, *gradients = value_and_gradients(loc, scale, votes)
    assert value == pytest.approx(reference(loc, scale, votes), abs=1e-5)
    for which, gradient in enumerate(gradients):
        for place in np.ndindex(2, 2):
            moved = np.zeros((2, 2, 2))
            moved[(which, *place)] = 1e-5
            up, down = (
                reference(loc + sign * moved[0], scale + sign * moved[1], votes) for sign in (1, -1)
            )
            assert gradient[place] == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("estimator", ["exact", "draws"])
def test_a_model_trains_on_votes(estimator):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(48, 2)).astype("float32")
    votes = rng.binomial(6, scipy.special.expit(3 * inputs[:, 0]))
    votes = np.stack([votes, 6 - votes], axis=-1)
    model = keras.Sequential([keras.Input((2,)), GaussianLogits(2)])
    loss = VoteLikelihood(draws=50, estimator=estimator)
    # XLA on TensorFlow would compile the whole step once more.
    compiled = keras.backend.backend() == "jax"
    model.compile(keras.optimizers.Adam(0.1), loss, jit_compile=compiled)
    history = model.fit(inputs, votes, batch_size=16, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    assert history[-1] < history[0]
