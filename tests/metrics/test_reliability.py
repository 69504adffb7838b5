import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from hetero_unc.metrics import reliability_curve


def confidence_and_hits(y_true, y_prob):
    return y_prob.max(axis=1), y_prob.argmax(axis=1) == y_true


@pytest.mark.parametrize("tied", [False, True])
def test_equal_width_agrees_with_scikit_learn(predictions, tied):
    y_true, y_prob = predictions(tied=tied)
    curve = reliability_curve(y_true, y_prob, n_bins=8)
    confidence, hits = confidence_and_hits(y_true, y_prob)
    accuracy, mean_confidence = calibration_curve(hits, confidence, n_bins=8)
    filled = curve.count > 0
    np.testing.assert_allclose(curve.accuracy[filled], accuracy)
    np.testing.assert_allclose(curve.confidence[filled], mean_confidence)


def test_equal_mass_without_ties_cuts_the_sorted_items_into_equal_parts(predictions):
    y_true, y_prob = predictions(items=60)
    curve = reliability_curve(y_true, y_prob, n_bins=6, binning="equal_mass")
    confidence, hits = confidence_and_hits(y_true, y_prob)
    parts = np.split(np.argsort(confidence), 6)
    np.testing.assert_array_equal(curve.count, 10)
    np.testing.assert_allclose(curve.accuracy, [hits[part].mean() for part in parts])
    np.testing.assert_allclose(curve.confidence, [confidence[part].mean() for part in parts])
    np.testing.assert_allclose(curve.lower, [confidence[part].min() for part in parts])
    np.testing.assert_allclose(curve.upper, [confidence[part].max() for part in parts])


def test_equal_mass_agrees_with_scikit_learn_quantiles(predictions):
    y_true, y_prob = predictions(items=61)
    confidence, hits = confidence_and_hits(y_true, y_prob)
    curve = reliability_curve(y_true, y_prob, n_bins=4, binning="equal_mass")
    # With 4 n + 1 items its quantiles are items, and no interpolation moves an edge.
    accuracy, mean_confidence = calibration_curve(hits, confidence, n_bins=4, strategy="quantile")
    np.testing.assert_allclose(curve.accuracy, accuracy)
    np.testing.assert_allclose(curve.confidence, mean_confidence)


def test_bins_are_closed_on_the_right_and_the_first_also_on_the_left():
    y_prob = [[0.25] * 4, [0.5, 0.5, 0, 0], [0.75, 0.25, 0, 0], [1.0, 0, 0, 0]]
    curve = reliability_curve([0] * 4, y_prob, n_bins=4)
    np.testing.assert_array_equal(curve.count, 1)
    np.testing.assert_array_equal(curve.lower, [0, 0.25, 0.5, 0.75])
    np.testing.assert_array_equal(curve.upper, [0.25, 0.5, 0.75, 1])


def test_equal_mass_keeps_ties_in_the_bin_of_the_first_of_them():
    y_prob = [[0.6, 0.4]] + [[0.8, 0.2]] * 4 + [[0.9, 0.1]]
    curve = reliability_curve([0] * 6, y_prob, n_bins=3, binning="equal_mass")
    np.testing.assert_array_equal(curve.count, [5, 0, 1])
    np.testing.assert_array_equal(curve.lower, [0.6, np.nan, 0.9])
    np.testing.assert_array_equal(curve.upper, [0.8, np.nan, 0.9])
    assert np.isnan(curve.accuracy[1])
    assert np.isnan(curve.confidence[1])


@pytest.mark.parametrize("binning", ["equal_width", "equal_mass"])
@given(seed=st.integers(0, 2**32 - 1), items=st.integers(1, 40), n_bins=st.integers(1, 50))
def test_curve_holds_every_item_once_in_any_order(binning, seed, items, n_bins):
    rng = np.random.default_rng(seed)
    y_prob = rng.multinomial(10, np.ones(3) / 3, size=items) / 10
    y_true = rng.integers(3, size=items)
    curve = reliability_curve(y_true, y_prob, n_bins=n_bins, binning=binning)
    assert curve.count.shape == (n_bins,)
    assert curve.count.sum() == items
    filled = curve.count > 0
    assert (curve.lower[filled] <= curve.confidence[filled] + 1e-12).all()
    assert (curve.confidence[filled] <= curve.upper[filled] + 1e-12).all()
    order = rng.permutation(items)
    again = reliability_curve(y_true[order], y_prob[order], n_bins=n_bins, binning=binning)
    np.testing.assert_array_equal(again.count, curve.count)
    np.testing.assert_allclose(again.accuracy, curve.accuracy)
