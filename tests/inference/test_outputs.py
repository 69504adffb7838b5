"""Every kind of output that a model may have, held against the model itself and draws by hand."""

import keras
import numpy as np
import pytest
import scipy.special
from keras import layers, ops

from hetero_unc.inference import MonteCarloDropout, predict
from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax

CLASSES, DRAWS = 3, 40


ENDS = {
    "parameters": lambda dense: [GaussianLogits(CLASSES, seed=5)],
    "log_expected_softmax": lambda dense: [
        GaussianLogits(CLASSES, seed=5),
        LogExpectedSoftmax(DRAWS, "draws", seed=9),
    ],
    "softmax_activation": lambda dense: [dense(CLASSES, 4, activation="softmax")],
    "softmax_layer": lambda dense: [dense(CLASSES, 4), layers.Softmax()],
    "softmax_of_activation_layer": lambda dense: [dense(CLASSES, 4), layers.Activation("softmax")],
    "log_softmax": lambda dense: [dense(CLASSES, 4, activation="log_softmax")],
    "nested": lambda dense: [
        keras.Sequential([keras.Input((5,)), GaussianLogits(CLASSES), LogExpectedSoftmax(DRAWS)])
    ],
}


def by_hand(parameters, draws, seed):
    """Probabilities, entropy and agreement from draws that NumPy reduces in float64."""
    noise = keras.random.normal((draws, 1, CLASSES), seed=seed)
    logits = parameters[..., 0] + parameters[..., 1] * ops.convert_to_numpy(noise).astype(float)
    draws = scipy.special.softmax(logits, axis=-1)
    return draws.mean(0), scipy.special.entr(draws).sum(-1).mean(0), (draws**2).sum(-1).mean(0)


@pytest.mark.parametrize("end", ENDS)
def test_one_prediction_is_what_the_model_says(inputs, dense, model_of, end):
    model = model_of(*ENDS[end](dense))
    outputs = model.predict(inputs(), verbose=0).astype(float)
    found = predict(model, inputs(), draws=DRAWS, seed=9)
    assert found.passes == 1
    assert found.probabilities.dtype == np.float32
    if end == "parameters":
        probabilities, entropy, agreement = by_hand(outputs, DRAWS, 9)
        np.testing.assert_allclose(found.draw_entropy[0], entropy, rtol=1e-4)
        np.testing.assert_allclose(found.draw_agreement[0], agreement, rtol=1e-4)
        np.testing.assert_allclose(found.loc[0], outputs[..., 0], atol=1e-6)
        np.testing.assert_allclose(found.scale[0], outputs[..., 1], atol=1e-6)
    elif end in ("log_expected_softmax", "log_softmax", "nested"):
        probabilities = np.exp(outputs)
    else:
        probabilities = outputs
    np.testing.assert_allclose(found.probabilities[0], probabilities, rtol=1e-4, atol=1e-6)
    gaussian = end in ("parameters", "log_expected_softmax")
    for name in ("draw_entropy", "draw_agreement", "loc", "scale"):
        assert (getattr(found, name) is not None) == gaussian, name


@pytest.mark.parametrize("end", ENDS)
def test_passes_differ_and_average_to_probabilities(inputs, dense, model_of, end):
    found = MonteCarloDropout(model_of(*ENDS[end](dense)), passes=3, draws=DRAWS).predict(inputs())
    assert found.probabilities.shape == (3, 10, CLASSES)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert (found.probabilities[one] != found.probabilities[other]).any(axis=-1).all()
    np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1, atol=1e-5)
    assert (found.summarise().epistemic > 0).all()


def test_the_draws_of_the_final_layer_are_used_unless_others_are_given(inputs, head, model_of):
    model = model_of(head(), LogExpectedSoftmax(7, "draws"))
    parameters = keras.Model(model.inputs, model.layers[-2].output)
    for draws, used in ((None, 7), (11, 11)):
        np.testing.assert_array_equal(
            predict(model, inputs(), draws=draws).probabilities,
            predict(parameters, inputs(), draws=used).probabilities,
        )


@pytest.mark.parametrize("last", [[], [LogExpectedSoftmax()]], ids=["parameters", "log"])
def test_logit_noise_is_integrated_unless_draws_are_asked_for(inputs, head, model_of, last):
    model = model_of(head(), *last)
    exact = predict(model, inputs())
    drawn = predict(model, inputs(), draws=40_000)
    for name in ("probabilities", "draw_entropy", "draw_agreement"):
        found, wanted = getattr(exact, name), getattr(drawn, name)
        np.testing.assert_allclose(found, wanted, atol=0.02)  # five standard errors of the draws
        assert (found != wanted).any()
    summary = exact.summarise()
    np.testing.assert_array_less(-1e-6, summary.logit_noise)
    fast = predict(model, inputs(), accuracy="fast").probabilities
    np.testing.assert_allclose(fast, exact.probabilities, atol=1e-3)
    passes = MonteCarloDropout(model, passes=3).predict(inputs())
    assert passes.draw_entropy.shape == (3, len(inputs()))


def test_plain_logits_must_be_named(inputs, dense, model_of):
    model = model_of(dense(CLASSES, 4, name="logits_layer"))
    for call in (
        lambda: predict(model, inputs()),
        lambda: MonteCarloDropout(model, passes=2),
    ):
        with pytest.raises(ValueError, match=r"`output` must say what.*'logits_layer'"):
            call()
    outputs = model.predict(inputs(), verbose=0)
    found = predict(model, inputs(), output="logits").probabilities[0]
    np.testing.assert_allclose(found, scipy.special.softmax(outputs, axis=-1), rtol=1e-5)


@pytest.mark.parametrize(
    ("end", "output"),
    [
        ("parameters", "logits"),
        ("parameters", "probabilities"),
        ("parameters", "log_probabilities"),
        ("softmax_activation", "parameters"),
        ("softmax_activation", "certainties"),
    ],
)
def test_an_output_that_the_shape_contradicts_is_refused(inputs, dense, model_of, end, output):
    with pytest.raises(ValueError, match=f"`output` must be .*Received: .*{output!r}"):
        predict(model_of(*ENDS[end](dense)), inputs(), output=output)


def test_outputs_that_are_no_probabilities_are_refused(inputs, dense, model_of):
    model = model_of(dense(CLASSES, 4))
    with pytest.raises(ValueError, match="`probabilities`"):
        predict(model, inputs(), output="probabilities")


def test_a_subclassed_classifier_must_say_what_it_returns(inputs, dense):
    class Classifier(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = dense(CLASSES, 4, activation="softmax")

        def call(self, x):
            return self.last(x)

    model = Classifier()
    outputs = ops.convert_to_numpy(model(inputs()))
    with pytest.raises(ValueError, match="`output` must say what `model` returns"):
        predict(model, inputs())
    found = predict(model, inputs(), output="probabilities")
    np.testing.assert_allclose(found.probabilities[0], outputs, atol=1e-6)


def test_an_operation_after_the_softmax_is_seen(inputs, dense, model_of):
    model = model_of(dense(CLASSES, 4, activation="softmax"))
    doubled = keras.Model(model.inputs, 2 * model.outputs[0])
    with pytest.raises(ValueError, match="`output` must say what `model` returns"):
        predict(doubled, inputs())


def test_a_softmax_in_half_precision_is_taken(inputs, dense):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = keras.Sequential(
            [
                keras.Input((4,)),
                layers.Dropout(0.5, seed=1),
                dense(30, 1, activation="softmax"),
            ]
        )
    finally:
        keras.config.set_dtype_policy(before)
    assert model.predict(inputs(), verbose=0).dtype != np.float32
    for found in (
        predict(model, 3 * inputs(500)),
        MonteCarloDropout(model, passes=2).predict(3 * inputs(500)),
    ):
        np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1, atol=1e-5)
