"""Reductions over draws, held against NumPy in float64 and against extremes."""

import numpy as np
import pytest
import scipy.special
from keras import ops

from hetero_unc.gaussian.draw_estimates import (
    expected_agreement,
    expected_entropy,
    log_expected_softmax,
    log_mean_exp,
)


def logits(size=1.0):
    return (size * np.random.default_rng(0).normal(size=(30, 5, 4))).astype("float32")


@pytest.mark.parametrize("size", [0.01, 1.0, 30.0])
def test_reductions_are_what_numpy_finds_in_float64(size):
    softmax = scipy.special.softmax(logits(size).astype(np.float64), axis=-1)
    entropy = scipy.special.entr(softmax).sum(-1).mean(0)
    found = {
        function.__name__: ops.convert_to_numpy(function(logits(size)))
        for function in (log_expected_softmax, expected_entropy, expected_agreement)
    }
    np.testing.assert_allclose(
        found["log_expected_softmax"], np.log(softmax.mean(0)), rtol=1e-5, atol=2e-5
    )
    np.testing.assert_allclose(found["expected_entropy"], entropy, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["expected_agreement"], (softmax**2).sum(-1).mean(0), rtol=1e-4)


@pytest.mark.parametrize("axis", [0, 1])
def test_log_mean_exp_survives_what_exp_does_not(axis):
    values = np.array([[-1000.0, -1001.0], [900.0, 901.0]], "float32")
    expected = scipy.special.logsumexp(values.astype(np.float64), axis=axis) - np.log(2)
    np.testing.assert_allclose(log_mean_exp(values, axis=axis), expected, rtol=1e-6)


def test_rows_of_the_expected_softmax_sum_to_one():
    for size in (0.0, 1.0, 60.0):
        rows = np.exp(ops.convert_to_numpy(log_expected_softmax(logits(size))))
        np.testing.assert_allclose(rows.sum(axis=-1), 1, atol=2e-6)


def test_certain_draws_have_no_entropy_and_full_agreement():
    certain = np.where(np.arange(4) == 1, 200.0, -200.0) * np.ones((3, 2, 4))
    certain = certain.astype("float32")
    np.testing.assert_array_equal(expected_entropy(certain), [0, 0])
    np.testing.assert_array_equal(expected_agreement(certain), [1, 1])
    even = np.zeros((3, 2, 4), "float32")
    np.testing.assert_allclose(expected_entropy(even), np.log(4), rtol=1e-6)
    np.testing.assert_allclose(expected_agreement(even), 1 / 4, rtol=1e-6)
