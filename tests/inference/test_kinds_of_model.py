"""Every kind of model: its passes are those of the whole model, and nothing of it changes."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from hetero_unc.inference import MonteCarloDropout, predict, set_pass, with_monte_carlo_dropout
from hetero_unc.inference.passes import Schedule
from hetero_unc.layers import GaussianLogits

FEATURES, CLASSES, DRAWS = 4, 3, 40


def dense(units, seed):
    return layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed))


def head():
    return GaussianLogits(CLASSES, seed=5)


def sequential(*ends):
    start = [keras.Input((FEATURES,)), dense(6, 1), layers.Dropout(0.5, seed=2), dense(5, 3)]
    return keras.Sequential([*start, *ends])


@keras.saving.register_keras_serializable(package="tests.inference")
class Subclassed(keras.Model):
    """A model without a graph of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dropout, self.last = layers.Dropout(0.5, seed=1), head()

    def build(self, input_shape):
        self.last.build(input_shape)
        self.built = True

    def call(self, x):
        return self.last(self.dropout(x))


def branching():
    """Dropout on one of two branches, and a late dropout: the cut goes through both."""
    x = keras.Input((FEATURES,))
    first = layers.Dropout(0.5, seed=1)(dense(5, 1)(x))
    second = dense(5, 2)(x)
    joined = layers.Dropout(0.3, seed=2)(layers.add([first, second]))
    return keras.Model(x, head()(joined))


def called_twice():
    x, dropout = keras.Input((FEATURES,)), layers.Dropout(0.5, seed=1)
    return keras.Model(x, head()(dropout(dense(5, 2)(dropout(dense(5, 1)(x))))))


def from_the_start():
    return keras.Sequential([keras.Input((FEATURES,)), layers.Dropout(0.5, seed=1), head()])


def with_batch_normalization():
    model = sequential(layers.BatchNormalization(), head())
    model.layers[-2].moving_mean.assign(np.linspace(-1, 1, 5))
    return model


def inside_a_nested_model():
    inner = keras.Sequential([keras.Input((6,)), dense(5, 2), layers.Dropout(0.5, seed=1)])
    return keras.Sequential([keras.Input((FEATURES,)), dense(6, 1), inner, head()])


def subclassed():
    model = Subclassed()
    model(np.zeros((1, FEATURES), "float32"))
    return model


MODELS = {
    "sequential": (lambda: sequential(head()), True),
    "two dropouts": (lambda: sequential(layers.Dropout(0.3, seed=8), head()), True),
    "batch normalisation": (with_batch_normalization, True),
    "nested": (inside_a_nested_model, True),
    "from the start": (from_the_start, False),
    "branching": (branching, True),
    "called twice": (called_twice, True),
    "subclassed": (subclassed, False),
}


@pytest.mark.filterwarnings("ignore:.*runs pass by pass:UserWarning")
@pytest.mark.parametrize("name", MODELS)
def test_passes_are_those_of_the_whole_model_with_the_same_seeds(inputs, name):
    make, is_split = MODELS[name]
    model = make()
    passes = MonteCarloDropout(model, passes=3, draws=DRAWS, seed=6)
    assert (passes._passes.prefix.program.steps != []) == is_split
    found = passes.predict(inputs(), batch_size=5)
    whole = with_monte_carlo_dropout(model, seed=6)
    for index in range(3):
        for batch in range(2):
            set_pass(whole, index, batch)
            rows = slice(5 * batch, 5 * batch + 5)
            expected = ops.convert_to_numpy(whole(inputs()[rows]))
            np.testing.assert_allclose(found.loc[index, rows], expected[..., 0], atol=1e-6)
            np.testing.assert_allclose(found.scale[index, rows], expected[..., 1], atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model_predicts_once(inputs, name):
    model = MODELS[name][0]()
    found = predict(model, inputs(), draws=DRAWS)
    expected = ops.convert_to_numpy(model(inputs(), training=False))
    np.testing.assert_allclose(found.loc[0], expected[..., 0], atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*runs pass by pass:UserWarning")
@pytest.mark.parametrize(
    ("name", "insertion_rate"),
    [*((name, None) for name in MODELS), ("batch normalisation", 0.2), ("branching", 0.2)],
)
def test_nothing_of_the_model_changes(inputs, name, insertion_rate):
    model = MODELS[name][0]()
    before = [ops.convert_to_numpy(variable).copy() for variable in model.variables]
    outputs = ops.convert_to_numpy(model(inputs(), training=False))
    predict(model, inputs(), draws=5)
    MonteCarloDropout(model, passes=2, draws=5, insertion_rate=insertion_rate).predict(inputs())
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), value, err_msg=variable.path)
    np.testing.assert_array_equal(model(inputs(), training=False), outputs)


def test_insertion_into_a_subclassed_model_is_refused():
    with pytest.raises(ValueError, match="`insertion_rate` must be None for a subclassed model"):
        MonteCarloDropout(subclassed(), passes=2, insertion_rate=0.2)


@keras.saving.register_keras_serializable(package="tests.inference")
class HoldsDropout(layers.Layer):
    """A layer of one's own around a dropout layer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dropout = layers.Dropout(0.5, seed=1)

    def call(self, x):
        return self.dropout(x)


@pytest.mark.parametrize("kind", ["subclassed", "own layer"])
def test_what_may_mix_items_runs_pass_by_pass_and_says_so_once(inputs, kind):
    model = subclassed()
    if kind == "own layer":
        model = keras.Sequential([keras.Input((FEATURES,)), dense(6, 1), HoldsDropout(), head()])
    with pytest.warns(UserWarning, match="runs pass by pass") as caught:
        passes = MonteCarloDropout(model, passes=3, draws=5)
    assert len(caught) == 1
    passes.predict(inputs())  # where another warning would be an error
    assert passes._passes.passes_at_once(Schedule(100), (4, FEATURES)) == 1
