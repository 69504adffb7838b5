"""Passes in chunks: their moments, their memory, what is traced, and when they stop."""

import logging

import keras
import numpy as np
import pytest
from keras import layers, ops

from hetero_unc.inference import MonteCarloDropout, predict, predict_passes
from hetero_unc.inference.passes import Schedule

FEATURES, CLASSES, DRAWS = 4, 3, 40


def naive_loop(model, images, passes):
    """Dropout as everybody loops over it: the layers called in training mode, pass after pass."""
    outputs = []
    for _ in range(passes):
        x = ops.convert_to_tensor(images)
        for layer in model.layers:
            dropout = isinstance(layer, layers.Dropout)
            x = layer(x, training=True) if dropout else layer(x)
        outputs.append(ops.convert_to_numpy(x))
    return np.stack(outputs).astype(float)


@pytest.mark.parametrize("masks", ["per_item", "per_pass"])
def test_passes_have_the_moments_of_the_naive_loop(inputs, dense, model_of, masks):
    model = model_of(layers.Dropout(0.3, seed=8), dense(CLASSES, 4, activation="softmax"))
    passes, items = 2000, 5
    settings = {"passes": passes, "masks": masks, "memory_budget": 0.5}
    ours = predict_passes(model, inputs(items), **settings).probabilities.astype(float)
    naive = naive_loop(model, inputs(items), 400)
    for power in (1, 2):
        one, other = ours**power, naive**power
        error = np.sqrt(one.var(axis=0) / len(one) + other.var(axis=0) / len(other))
        assert (np.abs(one.mean(axis=0) - other.mean(axis=0)) < 5 * error).all()
    # Products of two classes, and of two items, which move together only with masks per pass.
    np.testing.assert_allclose(
        np.cov(ours[:, 0].T), np.cov(naive[:, 0].T), atol=0.25 * np.cov(naive[:, 0].T).max()
    )
    together = np.corrcoef(ours[:, 0, 0], ours[:, 1, 0])[0, 1]
    assert (abs(together) > 0.1) == (masks == "per_pass")


@pytest.mark.parametrize("masks", ["per_item", "per_pass"])
def test_the_memory_budget_changes_no_number(inputs, head, model_of, masks):
    model = model_of(layers.GaussianNoise(0.1, seed=7), head())
    settings = {"passes": 7, "draws": DRAWS, "masks": masks, "seed": 4}
    found = {
        budget: predict_passes(model, inputs(), batch_size=4, memory_budget=budget, **settings)
        for budget in (1e-6, 1e-3, 100)
    }
    for name in ("probabilities", "draw_entropy", "draw_agreement", "loc", "scale"):
        expected = getattr(found[100], name)
        for budget in (1e-6, 1e-3):
            np.testing.assert_allclose(getattr(found[budget], name), expected, atol=1e-5)


def test_chunks_follow_the_budget(head, model_of):
    passes = MonteCarloDropout(model_of(head()), passes=7)._passes
    needed = passes.bytes_of_one_pass((4, FEATURES)) / 2**20
    chunks = [
        passes.passes_at_once(Schedule(7, memory_budget=count * needed), (4, FEATURES))
        for count in (0.5, 1, 2, 3.5, 6, 7, 100)
    ]
    assert chunks == [1, 1, 2, 3, 4, 7, 7]


@keras.saving.register_keras_serializable(package="tests.inference")
class Counting(layers.Layer):
    """Counts how often it is traced, and for how many rows."""

    rows = ()

    def call(self, x):
        Counting.rows += (x.shape[0],)
        return x


def test_everything_is_traced_once_whatever_is_left_over(inputs, dense):
    x = keras.Input((FEATURES,))
    hidden = Counting()(dense(6, 1)(x))
    hidden = Counting()(layers.Dropout(0.5, seed=1)(hidden))
    model = keras.Model(x, dense(CLASSES, 2, activation="softmax")(hidden))
    passes = MonteCarloDropout(model, passes=7)
    needed = passes._passes.bytes_of_one_pass((4, FEATURES)) / 2**20
    passes = MonteCarloDropout(model, passes=7, memory_budget=2 * needed)
    Counting.rows = ()
    for images in (inputs(10), inputs(4), inputs(7)):
        passes.predict(images, batch_size=4)
    assert Counting.rows == (4, 2 * 4)


def test_many_models_and_batch_sizes_bring_no_warning_of_retracing(
    inputs, dense, model_of, monkeypatch, caplog
):
    monkeypatch.setattr(logging.getLogger("tensorflow"), "handlers", [caplog.handler])
    passes = MonteCarloDropout(model_of(dense(CLASSES, 4, activation="softmax")), passes=2)
    for items in range(1, 8):
        predict(model_of(dense(CLASSES, 4, activation="softmax")), inputs(items))
        passes.predict(inputs(items))
    assert "retracing" not in caplog.text


@pytest.mark.parametrize("batch_size", [4, 256])
def test_passes_stop_at_the_tolerance_and_are_those_without_it(inputs, dense, model_of, batch_size):
    model = model_of(dense(CLASSES, 4, activation="softmax"))
    settings = {"passes": 200, "seed": 4}
    every = predict_passes(model, inputs(), batch_size=batch_size, **settings).probabilities
    errors = every.std(axis=0, ddof=1).max() / np.sqrt(len(every))
    tolerance = 2 * float(errors)
    stopped = predict_passes(
        model, inputs(), batch_size=batch_size, tolerance=tolerance, **settings
    ).probabilities
    used = len(stopped)
    assert 10 <= used < 200
    np.testing.assert_allclose(stopped, every[:used], atol=1e-6)

    def standard_error(count):
        return every[:count].std(axis=0, ddof=1).max() / np.sqrt(count)

    assert standard_error(used) <= tolerance < standard_error(used - 10)


def test_a_tolerance_out_of_reach_takes_all_passes_and_a_wide_one_ten(inputs, head, model_of):
    model = model_of(head())
    for tolerance, used in ((1e-9, 23), (10.0, 10)):
        found = predict_passes(model, inputs(), passes=23, draws=5, tolerance=tolerance)
        assert found.passes == used
    assert predict_passes(model, inputs(), passes=3, draws=5, tolerance=10.0).passes == 3
