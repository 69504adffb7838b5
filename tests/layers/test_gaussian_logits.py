"""The head: its arithmetic, its contract with Keras, and what it refuses."""

import random

import keras
import numpy as np
import pytest
from keras import layers, ops

from hetero_unc.gaussian import split_parameters
from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax
from hetero_unc.losses import MarginalLikelihood

FEATURES, CLASSES = 5, 3
SCALES, LINKS = ("per_class", "shared"), ("softplus", "exp")


def inputs(items=4):
    return np.random.default_rng(0).normal(size=(items, FEATURES)).astype("float32")


@keras.saving.register_keras_serializable(package="tests.layers")
class Subclassed(keras.Model):
    """A model without a graph of its own."""

    def __init__(self, scale, link, **kwargs):
        super().__init__(**kwargs)
        self.settings = {"scale": scale, "link": link}
        self.hidden = layers.Dense(6, activation="tanh")
        self.head = GaussianLogits(CLASSES, **self.settings)
        self.reading = LogExpectedSoftmax(draws=20)

    def build(self, input_shape):
        self.hidden.build(input_shape)
        self.head.build((None, 6))
        self.built = True

    def call(self, inputs):
        parameters = self.head(self.hidden(inputs))
        return parameters, self.reading(parameters)

    def get_config(self):
        return {**super().get_config(), **self.settings}


def sequential(scale, link):
    return keras.Sequential(
        [keras.Input((FEATURES,)), GaussianLogits(CLASSES, scale, link), LogExpectedSoftmax(20)]
    )


def functional(scale, link):
    x = keras.Input((FEATURES,))
    parameters = GaussianLogits(CLASSES, scale, link, name="head")(layers.Dense(6)(x))
    return keras.Model(x, [parameters, LogExpectedSoftmax(draws=20)(parameters)])


KINDS = {"sequential": sequential, "functional": functional, "subclassed": Subclassed}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("link", LINKS)
def test_loc_and_scale_are_what_numpy_makes_of_the_weights(scale, link):
    head = GaussianLogits(CLASSES, scale=scale, link=link)
    found = ops.convert_to_numpy(head(inputs()))
    kernels = [ops.convert_to_numpy(weight).astype(float) for weight in head.weights]
    widths = [CLASSES, CLASSES if scale == "per_class" else 1]
    assert [kernel.shape for kernel in kernels] == [
        shape for width in widths for shape in ((FEATURES, width), (width,))
    ]
    loc, raw = (inputs() @ kernels[i] + kernels[i + 1] for i in (0, 2))
    expected = np.log1p(np.exp(raw)) if link == "softplus" else np.exp(raw)
    np.testing.assert_allclose(found[..., 0], loc, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        found[..., 1], np.broadcast_to(expected, loc.shape), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("scale", SCALES)
def test_the_shapes_are_announced(scale):
    head = GaussianLogits(CLASSES, scale=scale)
    assert head.compute_output_shape((None, FEATURES)) == (None, CLASSES, 2)
    assert head.compute_output_spec(keras.KerasTensor((7, FEATURES))).shape == (7, CLASSES, 2)
    assert head(inputs()).shape == (4, CLASSES, 2)
    assert head(inputs(0)).shape == (0, CLASSES, 2)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("raw", [-1e30, -1e4, -50.0, 0.0, 50.0, 80.0])
def test_the_scale_is_positive_at_extremes(link, raw):
    head = GaussianLogits(CLASSES, link=link)
    head.build((None, 1))
    head.heads["scale"].kernel.assign(np.full((1, CLASSES), raw))
    scale = ops.convert_to_numpy(head(np.ones((1, 1), "float32")))[..., 1]
    assert (scale > 0).all()
    assert np.isfinite(scale).all()
    assert np.isfinite(np.log(scale)).all()


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_wide_logits_are_scaled_back_together(temperature):
    layer = GaussianLogits(3, rank=1, temperature=temperature, seed=0)
    x = np.array([[0.1, -0.2], [900.0, -700.0], [-900.0, 700.0]], np.float32)
    found = ops.convert_to_numpy(layer(x)).astype(float)
    kernels = {name: [w.numpy() for w in head.weights] for name, head in layer.heads.items()}
    parts = {name: x @ kernel + bias for name, (kernel, bias) in kernels.items()}
    parts["scale"] = np.logaddexp(0, parts["scale"]) + 1e-6
    plain = np.stack([parts[name] for name in ("loc", "scale", "factor")], axis=-1) / temperature
    widest = plain[:, :, 1].max(axis=1)
    assert widest[0] < 40 < widest[1:].max()
    np.testing.assert_allclose(found[:, :, 1].max(axis=1), np.minimum(widest, 40), rtol=1e-4)
    shrunk = np.maximum(widest / 40, 1)[:, None, None]
    np.testing.assert_allclose(found, plain / shrunk, rtol=1e-3, atol=1e-9)


def test_the_shared_scale_is_one_an_item():
    scale = ops.convert_to_numpy(GaussianLogits(CLASSES, scale="shared")(inputs()))[..., 1]
    assert len(np.unique(scale)) == len(inputs())
    np.testing.assert_array_equal(scale, np.repeat(scale[:, :1], CLASSES, axis=1))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(("scale", "link"), [("per_class", "softplus"), ("shared", "exp")])
def test_models_come_back_from_disk_with_identical_outputs(kind, scale, link, tmp_path):
    model = kind(scale, link)
    expected = model.predict(inputs(), verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    found = again.predict(inputs(), verbose=0)
    keras.tree.map_structure(np.testing.assert_array_equal, found, expected)


def test_the_layer_comes_back_from_its_config():
    layer = GaussianLogits(4, "shared", "exp", seed=3, name="mine")
    again = GaussianLogits.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    serialized = keras.layers.deserialize(keras.layers.serialize(layer))
    assert serialized.get_config() == layer.get_config()
    np.testing.assert_array_equal(again(inputs()), serialized(inputs()))


def test_a_compiled_model_comes_back_with_its_loss_and_trains_on(tmp_path):
    model = keras.Sequential([keras.Input((FEATURES,)), GaussianLogits(CLASSES)])
    model.compile(keras.optimizers.Adam(0.1), MarginalLikelihood(20, seed=3))
    labels = np.array([0, 1, 2, 1])
    model.train_on_batch(inputs(), labels)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    losses = [[one.train_on_batch(inputs(), labels) for _ in range(3)] for one in (model, again)]
    assert losses[0] == losses[1]


class TestPrecision:
    @pytest.fixture(autouse=True)
    def half(self):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16")
        yield
        keras.config.set_dtype_policy(before)

    def test_the_head_computes_in_float32(self, tmp_path):
        model = keras.Sequential(
            [
                keras.Input((FEATURES,)),
                layers.Dense(4),
                GaussianLogits(CLASSES),
                LogExpectedSoftmax(9),
            ]
        )
        kinds = [layer.compute_dtype for layer in model.layers]
        assert kinds == ["bfloat16", "float32", "float32"]
        assert {keras.backend.standardize_dtype(w.dtype) for w in model.weights} == {"float32"}
        assert model.predict(inputs(), verbose=0).dtype == np.float32
        model.save(tmp_path / "model.keras")
        keras.config.set_dtype_policy("float32")
        again = keras.models.load_model(tmp_path / "model.keras")
        assert [layer.compute_dtype for layer in again.layers] == kinds
        np.testing.assert_array_equal(
            again.predict(inputs(), verbose=0), model.predict(inputs(), verbose=0)
        )

    def test_another_precision_is_taken_when_given(self):
        assert GaussianLogits(CLASSES, dtype="float64")(inputs()).dtype == "float64"


def test_seeds_decide_the_kernels_and_nothing_global_is_touched():
    keras.utils.set_random_seed(1)
    before = random.getstate()
    one, other, fresh = (GaussianLogits(CLASSES, seed=seed) for seed in (4, 4, 5))
    for head in (one, other, fresh):
        head.build((None, FEATURES))
    assert random.getstate() == before
    np.testing.assert_array_equal(one.heads["loc"].kernel, other.heads["loc"].kernel)
    assert (one.heads["loc"].kernel != fresh.heads["loc"].kernel).numpy().all()
    assert (one.heads["loc"].kernel != one.heads["scale"].kernel).numpy().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "`num_classes` must be an integer >= 2. Received: num_classes=1"),
        ({"num_classes": 2.0}, "`num_classes` must be an integer >= 2. Received: num_classes=2.0"),
        ({"scale": "both"}, "`scale` must be one of .*Received: scale='both'"),
        ({"link": "relu"}, "`link` must be one of .*Received: link='relu'"),
        ({"scale": ["shared"]}, "`scale` must be one of"),
    ],
)
def test_settings_that_break_a_rule_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        GaussianLogits(**{"num_classes": CLASSES, **arguments})


@pytest.mark.parametrize("shape", [(4,), (2, 4, 4, 8)])
def test_inputs_of_another_rank_are_refused(shape):
    with pytest.raises(ValueError, match=r"must have shape \(N, features\).*Received: shape="):
        GaussianLogits(CLASSES)(np.zeros(shape, "float32"))


def test_a_factor_follows_loc_and_scale():
    layer = GaussianLogits(5, rank=3, seed=0)
    inputs = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    parameters = layer(inputs)
    assert parameters.shape == layer.compute_output_shape((4, 6)) == (4, 5, 5)
    heads = {name: ops.convert_to_numpy(head(inputs)) for name, head in layer.heads.items()}
    loc, _, factor = map(ops.convert_to_numpy, split_parameters(parameters))
    np.testing.assert_allclose(loc, heads["loc"], rtol=1e-6)
    np.testing.assert_allclose(factor, heads["factor"].reshape(4, 5, 3), rtol=1e-6)


@pytest.mark.parametrize("temperature", [0.5, "learned"])
def test_a_temperature_divides_the_logits(temperature):
    inputs = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    plain = GaussianLogits(3, rank=1, seed=0)(inputs)
    layer = GaussianLogits(3, rank=1, seed=0, temperature=temperature)
    found = layer(inputs)
    if temperature == "learned":
        np.testing.assert_allclose(found, plain, rtol=1e-5)  # it starts at 1
        layer.temperature_logit.assign(0.0)
        found, temperature = layer(inputs), np.log(2)
    np.testing.assert_allclose(found, ops.convert_to_numpy(plain) / temperature, rtol=1e-5)
    again = GaussianLogits.from_config(layer.get_config())
    assert again.temperature == layer.temperature
    assert again.rank == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rank": -1}, "`rank` must be an integer >= 0. Received: rank=-1"),
        ({"rank": 3}, "`rank` must be smaller than `num_classes`.*rank=3, num_classes=3"),
        ({"temperature": 0}, "`temperature` must be 'learned' or a number above 0.*=0"),
        ({"temperature": "hot"}, "`temperature` must be 'learned' or a number above 0.*='hot'"),
    ],
)
def test_a_rank_or_temperature_that_breaks_a_rule_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        GaussianLogits(3, **arguments)
