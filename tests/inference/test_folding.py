"""K passes folded into the batch are K passes by themselves, whatever draws; and where to cut."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers, ops

from hetero_unc.inference import set_pass, with_monte_carlo_dropout
from hetero_unc.inference.folding import Prefix, Tail
from hetero_unc.inference.memory import bytes_of_one_pass, passes_at_once
from hetero_unc.inference.program import Program, Step, Value, program_of, split

PASSES, ITEMS, RATE = 3, 4, 0.4
SHAPE = (4, 6)


def sequential(*parts, shape=SHAPE):
    return lambda: keras.Sequential([keras.Input(shape), *(part() for part in parts)])


def dense(units=5):
    return lambda: layers.Dense(units)


def bidirectional():
    return layers.Bidirectional(layers.LSTM(3, dropout=RATE))


def stacked():
    cells = [layers.LSTMCell(4, dropout=RATE), layers.GRUCell(3, recurrent_dropout=RATE)]
    return layers.RNN(cells)


def time_distributed():
    return layers.TimeDistributed(
        keras.Sequential([keras.Input((6,)), layers.Dense(4), layers.Dropout(RATE)])
    )


def attention():
    x = keras.Input(SHAPE)
    attended = layers.MultiHeadAttention(2, 3, dropout=RATE)(query=x, value=x)
    return keras.Model(x, layers.Attention(dropout=RATE)([attended, x]))


def masked():
    """A mask of padding that crosses the cut."""
    return keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(7, 3, mask_zero=True),
            layers.SpatialDropout1D(RATE),
            layers.GRU(4, recurrent_dropout=RATE),
        ]
    )


def nested_twice():
    x = keras.Input((5,))
    inner = keras.Model(x, layers.Dropout(RATE)(layers.Dense(5)(x)) + x)
    block = keras.Sequential([keras.Input((6,)), layers.Dense(5), inner, layers.Dense(6)])
    x = keras.Input((6,))
    return keras.Model(x, layers.Dense(2)(block(block(x))))


def branches():
    """What no dropout reaches meets what it reaches, three times."""
    x = keras.Input((6,))
    first, second = layers.Dense(5)(x), layers.Dense(5)(x)
    joined = layers.Dropout(RATE)(first) * 2.0 + second
    return keras.Model(x, layers.Concatenate()([layers.GaussianNoise(0.3)(joined), first, x]))


@keras.saving.register_keras_serializable(package="tests.inference")
class OwnDropout(layers.Dropout):
    """Someone's own kind of dropout."""

    def call(self, inputs, training=False):
        return super().call(inputs, training=training) + 1.0


MODELS = {
    "dropout": sequential(lambda: layers.Dropout(RATE), dense()),
    "dropout twice": sequential(
        lambda: layers.Dropout(RATE), dense(), lambda: layers.Dropout(RATE), dense()
    ),
    "noise shape": sequential(lambda: layers.Dropout(RATE, noise_shape=(None, 1, 6)), dense()),
    "noise shape of all items": sequential(
        lambda: layers.Dropout(RATE, noise_shape=(1, None, 6)), dense()
    ),
    "noise shape of some items": sequential(
        lambda: layers.Dropout(RATE, noise_shape=(ITEMS, None, 6)), dense()
    ),
    "spatial": sequential(dense(), lambda: layers.SpatialDropout1D(RATE), dense()),
    "alpha": sequential(dense(), lambda: layers.AlphaDropout(RATE), dense()),
    "gaussian dropout": sequential(lambda: layers.GaussianDropout(RATE), dense()),
    "gaussian noise": sequential(dense(), lambda: layers.GaussianNoise(0.5), dense()),
    "own dropout": sequential(dense(), lambda: OwnDropout(RATE), dense()),
    "recurrent": sequential(
        lambda: layers.LSTM(5, dropout=RATE, recurrent_dropout=RATE, return_sequences=True),
        lambda: layers.GRU(5, dropout=RATE),
    ),
    "stacked cells": sequential(stacked, dense()),
    "convolution and recurrence": sequential(
        lambda: layers.ConvLSTM1D(2, 3, dropout=RATE), layers.Flatten, shape=(3, 5, 2)
    ),
    "bidirectional": sequential(bidirectional, dense()),
    "time distributed": sequential(time_distributed, dense()),
    "attention": attention,
    "masked": masked,
    "nested twice": nested_twice,
    "branches": branches,
}


def images(model):
    generator = np.random.default_rng(0)
    x = model.inputs[0]
    shape = (ITEMS, *x.shape[1:])
    if x.dtype == "int32":
        return ops.convert_to_tensor([[2, 3, 1, 0, 0]] * ITEMS, dtype="int32")
    return ops.convert_to_tensor(generator.normal(size=shape).astype("float32"))


def identity():
    return layers.Lambda(lambda x: {"outputs": x})


def folded(model, inputs, first, passes, batch_index=0):
    """Passes of a stochastic model in one call: `(K, N, ...)`."""
    before, after = split(program_of(model))
    prefix, tail = Prefix(before), Tail(after, identity())
    keys = [
        ops.convert_to_tensor(site.keys(first, first + passes, batch_index)) for site in tail.sites
    ]
    seeds = ops.zeros((passes, 2), dtype="int32")
    outputs = tail(*prefix([inputs]), keys, seeds, training=False)["outputs"]
    return ops.convert_to_numpy(ops.reshape(outputs, (passes, ITEMS, *outputs.shape[1:])))


@pytest.mark.parametrize("masks", ["per_item", "per_pass"])
@pytest.mark.parametrize("name", MODELS)
def test_folded_passes_are_passes_one_by_one_with_the_same_masks(name, masks):
    if masks == "per_pass" and name in ("own dropout", "attention", "noise shape of some items"):
        pytest.skip("masks per pass are refused, or the shape of the mask is fixed")
    keras.utils.set_random_seed(1)
    model = with_monte_carlo_dropout(MODELS[name](), masks=masks, seed=3)
    inputs = images(model)
    found = folded(model, inputs, 2, PASSES, batch_index=1)
    for k in range(PASSES):
        set_pass(model, 2 + k, 1)
        alone = ops.convert_to_numpy(model(inputs))
        np.testing.assert_allclose(found[k], alone, rtol=1e-5, atol=1e-6)
    assert not np.allclose(found[0], found[1])


@pytest.mark.parametrize("masks", ["per_item", "per_pass"])
def test_items_share_masks_per_pass_only(masks):
    model = keras.Sequential([keras.Input((50,)), layers.Dropout(RATE)])
    model = with_monte_carlo_dropout(model, masks=masks, seed=3)
    found = folded(model, ops.ones((ITEMS, 50)), 0, PASSES)
    assert (found == found[:, :1]).all() == (masks == "per_pass")


def test_folding_leaves_seeds_alone():
    model = with_monte_carlo_dropout(MODELS["dropout"](), seed=3)
    inputs = images(model)
    set_pass(model, 0)
    first = ops.convert_to_numpy(model(inputs))
    set_pass(model, 0)
    folded(model, inputs, 0, PASSES)
    np.testing.assert_array_equal(model(inputs), first)


def names(program):
    return [getattr(step.operation, "name", "") for step in program.steps]


def test_a_dropout_in_a_nested_model_costs_only_what_follows_it():
    inner = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, name="inner"),
            layers.Dropout(RATE, name="drop"),
            layers.Dense(4, name="after"),
        ]
    )
    outer = keras.Sequential([keras.Input((6,)), layers.Dense(6, name="outer"), inner])
    model = keras.Sequential([keras.Input((6,)), outer, layers.Dense(3, name="last")])
    before, after = split(program_of(with_monte_carlo_dropout(model, seed=0)))
    assert names(before) == ["outer", "inner"]
    assert names(after) == ["drop", "after", "last"]
    assert [value.shape for value in after.inputs] == [(None, 5)]


def test_the_cut_goes_through_every_branch():
    before, after = split(program_of(with_monte_carlo_dropout(branches(), seed=0)))
    assert [value.shape for value in after.inputs] == [(None, 5), (None, 5), (None, 6)]
    assert len(before.steps) == 2
    assert before.outputs == after.inputs


def test_without_dropout_nothing_follows_the_cut():
    before, after = split(program_of(sequential(dense(), dense(3))()))
    assert len(before.steps) == 2
    assert after.steps == []
    assert after.inputs == after.outputs == before.outputs


def test_layers_of_equal_names_in_nested_models_do_not_collide():
    parts = [
        keras.Sequential([keras.Input((6,)), layers.Dense(6, name="same"), layers.Dropout(RATE)])
        for _ in range(2)
    ]
    model = keras.Sequential([keras.Input((6,)), *parts])
    before, after = split(program_of(with_monte_carlo_dropout(model, seed=0)))
    assert names(before) == ["same"]
    assert names(after)[1] == "same"


def chain(*sizes):
    """Steps one after another, of so many numbers an item each."""
    values = [Value((None, size), "float32") for size in sizes]
    steps = [Step(abs, (x,), {}, [y]) for x, y in itertools.pairwise(values)]
    return Program(values[:1], steps, values[-1:])


def test_the_memory_of_a_pass_is_that_of_its_largest_step():
    # What is shared, 1000, is not counted; 20 are made twice while nothing else is alive, then 50
    # twice while 20 are; 4 bytes each.
    assert bytes_of_one_pass(chain(1000, 20, 50, 3), (7, 9)) == 7 * 4 * (20 + 2 * 50)
    assert bytes_of_one_pass(chain(1000, None), (7, 9, 12)) == 7 * 4 * 2 * 12
    assert bytes_of_one_pass(chain(1000), (7, 9)) == 1
    assert bytes_of_one_pass(chain(10, 20), (2, 10), workspace=999) == 2 * 999


@pytest.mark.parametrize(
    ("passes", "size", "budget", "chunk"),
    [
        (100, 2**20, 1000, 100),
        (100, 2**20, 99, 50),  # two chunks of 50 rather than 99 and 1
        (100, 2**20, 30, 25),
        (100, 2**20, 1.5, 1),
        (7, 2**20, 3, 3),
        (7, 2**30, 1, 1),
        (1, 1, 1, 1),
    ],
)
def test_chunks_are_equal_and_as_few_as_fit(passes, size, budget, chunk):
    assert passes_at_once(passes, size, budget) == chunk
