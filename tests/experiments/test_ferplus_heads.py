"""Heads on one set of features: the epoch that is chosen, also where a call was stopped."""

import types

import numpy as np
import pytest

import ferplus_heads
from ferplus_end_to_end import Parts
from hetero_unc.layers import GaussianLogits


def problem():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 1, 1, 8)).astype("float32")
    votes = rng.multinomial(10, np.full(9, 1 / 9), size=60)
    parts = Parts(np.arange(40), np.arange(40, 60), 0)
    settings = {"epochs": 8, "every": 2, "learning_rate": 0.2, "batch_size": 8}
    run = ferplus_heads.HeadRun("gaussian_marginal", 0, "drawn", "0", "trunk", **settings)
    return run, lambda rows: values[rows], types.SimpleNamespace(votes=votes), parts


def test_a_stopped_head_ends_as_one_that_was_not_though_other_heads_were_made(
    monkeypatch, tmp_path
):
    whole, best = ferplus_heads.train(*problem(), tmp_path)
    fit, calls = ferplus_heads.fit, []

    def stopped(*arguments, **settings):
        calls.append(settings["epochs"])
        if len(calls) == 4:
            raise KeyboardInterrupt
        return fit(*arguments, **settings)

    folder = tmp_path / "stopped"
    folder.mkdir()
    monkeypatch.setattr(ferplus_heads, "fit", stopped)
    with pytest.raises(KeyboardInterrupt):
        ferplus_heads.train(*problem(), folder)
    GaussianLogits(9)
    again, same = ferplus_heads.train(*problem(), folder)
    assert calls == [2, 4, 6, 8, 8], "what was looked at is not looked at again"
    assert same == best < 8, "the problem is to choose an epoch that the second call did not see"
    for one, other in zip(whole.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
