"""Every kind of dropout at inference, held against the model it was made from."""

from functools import partial

import keras
import numpy as np
import pytest

from hetero_unc.inference.monte_carlo_dropout import set_pass, with_monte_carlo_dropout
from hetero_unc.inference.stochastic_layer import stochastic_sublayers

# Keras 3.15 hands TensorFlow's variables to NumPy 2 in the old way, also while saving.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MASKS = ("per_item", "per_pass")


def flat(outputs):
    """All outputs of a model side by side: (rows, values)."""
    values = [np.asarray(x).reshape(len(x), -1) for x in keras.tree.flatten(outputs)]
    return np.concatenate(values, axis=1)


def state(model):
    """Every variable, seeds included, by identity."""
    return {id(v): keras.ops.convert_to_numpy(v).copy() for v in model.variables}


@pytest.fixture(scope="module")
def case(kind_of_dropout, model_with_dropout, identical_rows):
    """A model, and its predictions and variables before and after it was wrapped and used.

    Made once for the tests that read it: masks per item through `predict`, which is traced, masks
    per pass through plain calls.
    """
    model = model_with_dropout(kind_of_dropout)
    inputs = identical_rows(kind_of_dropout, model)
    found = {"model": model, "plain": flat(model(inputs, training=False)), "before": state(model)}
    for masks in MASKS:
        wrapped = with_monte_carlo_dropout(model, masks=masks, seed=7)
        seeds = {id(p.seed_generator.state) for p in stochastic_sublayers(wrapped)}
        run = partial(wrapped.predict, verbose=0) if masks == "per_item" else wrapped
        before = state(wrapped)
        first, second, by_call = flat(run(inputs)), flat(run(inputs)), flat(wrapped(inputs))
        after = state(wrapped)
        set_pass(wrapped, 0)
        found[masks] = {
            "wrapped": wrapped,
            "seeds": seeds,
            "before": before,
            "after": after,
            "first": first,
            "second": second,
            "by_call": by_call,
            "again": flat(run(inputs)),
        }
    found["after"] = state(model)
    found["plain_after"] = flat(model(inputs, training=False))
    return found


def test_the_given_model_predicts_as_before_and_none_of_its_variables_moves(case):
    np.testing.assert_array_equal(case["plain_after"], case["plain"])
    assert case["before"].keys() == case["after"].keys()
    for key, value in case["before"].items():
        np.testing.assert_array_equal(case["after"][key], value)


@pytest.mark.parametrize("masks", MASKS)
def test_only_the_seeds_of_the_dropout_change(case, masks):
    found = case[masks]
    assert found["seeds"]
    assert found["before"].keys() == found["after"].keys()
    for key, value in found["before"].items():
        changed = not np.array_equal(found["after"][key], value)
        assert changed == (key in found["seeds"])


@pytest.mark.parametrize("masks", MASKS)
def test_weights_are_the_very_variables_of_the_given_model(case, masks):
    given = {id(weight) for weight in case["model"].weights}
    wrapped = {id(weight) for weight in case[masks]["wrapped"].weights}
    assert wrapped == given


@pytest.mark.parametrize("masks", MASKS)
def test_calls_differ_and_the_same_pass_comes_back_to_the_bit(case, masks):
    found = case[masks]
    draws = np.stack([found["first"], found["second"], found["by_call"]])
    different = len(np.unique(draws, axis=0))
    # One mask over three or four units may well come twice.
    assert different == 3 if masks == "per_item" else different > 1
    np.testing.assert_array_equal(found["again"], found["first"])


def test_items_share_masks_per_pass_and_do_not_per_item(case):
    shared = case["per_pass"]["first"]
    # Matrix products may round rows of one batch differently.
    np.testing.assert_allclose(
        shared, np.repeat(shared[:1], len(shared), axis=0), rtol=1e-4, atol=1e-5
    )
    assert np.abs(np.diff(case["per_item"]["first"], axis=0)).max() > 1e-3


@pytest.fixture
def come_back_from_disk(model_with_dropout, identical_rows, tmp_path):
    """Assert that a wrapped model that was saved draws the same passes, and other ones later."""

    def assert_that_it_comes_back(name, masks):
        model = model_with_dropout(name)
        inputs = identical_rows(name, model)
        wrapped = with_monte_carlo_dropout(model, masks=masks, seed=7)
        wrapped(inputs)
        wrapped.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
        for either in (wrapped, loaded):
            set_pass(either, 3, 2)
        np.testing.assert_array_equal(flat(loaded(inputs)), flat(wrapped(inputs)))
        set_pass(loaded, 4, 2)
        assert not np.array_equal(flat(loaded(inputs)), flat(wrapped(inputs)))

    return assert_that_it_comes_back


def test_it_comes_back_from_disk_with_the_same_passes(kind_of_dropout, come_back_from_disk):
    come_back_from_disk(kind_of_dropout, "per_item")


# How items share masks hardly touches saving: three models stand for all.
@pytest.mark.parametrize("name", ["alpha", "nested", "custom layer"])
def test_masks_per_pass_come_back_from_disk(name, come_back_from_disk):
    come_back_from_disk(name, "per_pass")
