import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from hetero_unc.metrics import (
    adaptive_calibration_error,
    classwise_calibration_error,
    expected_calibration_error,
    thresholded_adaptive_calibration_error,
)


def test_classwise_agrees_with_scikit_learn_class_by_class(predictions):
    y_true, y_prob = predictions(classes=3)
    gaps = []
    for label in range(3):
        column = y_prob[:, label]
        frequency, mean = calibration_curve(y_true == label, column, n_bins=10)
        counts = np.histogram(column, bins=np.linspace(0, 1, 11))[0]
        gaps.append(np.abs(frequency - mean) @ counts[counts > 0] / len(column))
    np.testing.assert_allclose(
        classwise_calibration_error(y_true, y_prob, n_bins=10), np.mean(gaps)
    )


def test_adaptive_agrees_with_a_loop_from_the_paper(predictions):
    """1 / (K R) sum_k sum_r |acc(r, k) - conf(r, k)|, range r from the [r N / R]-th sorted item."""
    y_true, y_prob = predictions(items=120, classes=3)
    total, ranges = 0.0, 8
    for label in range(3):
        ordered = sorted(zip(y_prob[:, label], y_true == label, strict=True))
        for r in range(ranges):
            part = ordered[r * 15 : (r + 1) * 15]
            confidence = sum(p for p, _ in part) / 15
            accuracy = sum(hit for _, hit in part) / 15
            total += abs(accuracy - confidence)
    error = adaptive_calibration_error(y_true, y_prob, n_bins=ranges)
    np.testing.assert_allclose(error, total / (3 * ranges))


@pytest.mark.parametrize("threshold", [0.0, 0.01, 0.2, 0.6])
@pytest.mark.parametrize("tied", [False, True])
def test_thresholded_agrees_with_a_loop(predictions, threshold, tied):
    y_true, y_prob = predictions(items=100, classes=3, tied=tied)
    gaps = []
    for label in range(3):
        kept = [
            (row[label], float(true == label))
            for row, true in zip(y_prob.tolist(), y_true.tolist(), strict=True)
            if row[label] > threshold
        ]
        bins = {}
        for probability, hit in kept:
            smaller = sum(other < probability for other, _ in kept)
            bins.setdefault(5 * smaller // len(kept), []).append(hit - probability)
        gaps.append(sum(abs(sum(part)) for part in bins.values()) / len(kept))
    error = thresholded_adaptive_calibration_error(y_true, y_prob, n_bins=5, threshold=threshold)
    np.testing.assert_allclose(error, np.mean(gaps))


def test_no_threshold_is_the_adaptive_error_and_zero_leaves_out_the_zeros():
    y_true, y_prob = [0, 1], [[1.0, 0.0], [0.5, 0.5]]
    everything = thresholded_adaptive_calibration_error(y_true, y_prob, threshold=None)
    assert everything == adaptive_calibration_error(y_true, y_prob) == 0.25
    # Class 0: gaps 0 and 0.5; class 1: the one item left, 0.5.
    positive = thresholded_adaptive_calibration_error(y_true, y_prob, threshold=0.0)
    assert positive == (0.25 + 0.5) / 2


def test_a_class_with_nothing_above_the_threshold_is_left_out():
    y_prob = [[0.6, 0.35, 0.05], [0.6, 0.35, 0.05]]
    error = thresholded_adaptive_calibration_error([0, 1], y_prob, n_bins=1, threshold=0.3)
    assert error == pytest.approx((abs(0.5 - 0.6) + abs(0.5 - 0.35)) / 2)


@pytest.mark.parametrize("threshold", [-0.1, 1.0, float("nan")])
def test_threshold_outside_its_range_is_refused(threshold):
    with pytest.raises(ValueError, match=r"`threshold` must lie in \[0, 1\). Received: thr"):
        thresholded_adaptive_calibration_error([0], [[0.5, 0.5]], threshold=threshold)


def test_threshold_above_all_probabilities_is_refused():
    with pytest.raises(ValueError, match=r"`threshold` must be below some .* the largest is 0.5"):
        thresholded_adaptive_calibration_error([0], [[0.5, 0.5]], threshold=0.5)


def test_two_classes_make_the_same_error_twice_where_the_first_is_always_predicted():
    y_prob = np.array([[0.95, 0.05], [0.85, 0.15], [0.75, 0.25], [0.65, 0.35]])
    y_true = [0, 1, 0, 1]
    ece = expected_calibration_error(y_true, y_prob, n_bins=10)
    assert classwise_calibration_error(y_true, y_prob, n_bins=10) == pytest.approx(ece)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 20))
def test_errors_stay_in_range_and_do_not_see_the_order_of_items_or_classes(seed, items, n_bins):
    rng = np.random.default_rng(seed)
    y_prob = rng.multinomial(8, np.ones(3) / 3, size=items) / 8
    y_true = rng.integers(3, size=items)
    order, classes = rng.permutation(items), rng.permutation(3)
    for error in (
        classwise_calibration_error,
        adaptive_calibration_error,
        thresholded_adaptive_calibration_error,
    ):
        value = error(y_true, y_prob, n_bins=n_bins)
        assert 0 <= value <= 1
        again = error(y_true[order], y_prob[order], n_bins=n_bins)
        assert again == pytest.approx(value, abs=1e-12)
        renamed = error(classes.argsort()[y_true], y_prob[:, classes], n_bins=n_bins)
        assert renamed == pytest.approx(value, abs=1e-12)
