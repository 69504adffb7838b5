import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetero_unc.metrics import (
    area_under_risk_coverage_curve,
    excess_area_under_risk_coverage_curve,
    risk_coverage_curve,
)


def problem(errors):
    """Labels and probabilities of two classes with the given errors."""
    y_prob = np.tile([0.75, 0.25], (len(errors), 1))
    return np.asarray(errors, dtype=int), y_prob


def risks_of_order(errors):
    return [sum(errors[:kept]) / kept for kept in range(1, len(errors) + 1)]


@pytest.mark.parametrize(
    ("errors", "uncertainty"),
    [
        ([0, 1, 0, 1, 1], [0, 0, 0, 0, 0]),
        ([1, 0, 0, 1, 0, 1], [1, 1, 2, 2, 2, 3]),
        ([1, 0, 1, 0, 0, 1], [3, 1, 1, 3, 2, 1]),
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]),
    ],
)
def test_curve_is_the_mean_over_every_order_of_the_ties(errors, uncertainty):
    curves = [
        risks_of_order([errors[i] for i in order])
        for order in itertools.permutations(range(len(errors)))
        if all(uncertainty[a] <= uncertainty[b] for a, b in itertools.pairwise(order))
    ]
    y_true, y_prob = problem(errors)
    curve = risk_coverage_curve(y_true, y_prob, uncertainty)
    np.testing.assert_allclose(curve.risk, np.mean(curves, axis=0))
    np.testing.assert_allclose(curve.coverage, np.arange(1, len(errors) + 1) / len(errors))
    np.testing.assert_array_equal(curve.threshold, sorted(uncertainty))
    area = area_under_risk_coverage_curve(y_true, y_prob, uncertainty)
    np.testing.assert_allclose(area, np.mean(curves))
    best = min(np.mean(risks_of_order(order)) for order in itertools.permutations(errors))
    excess = excess_area_under_risk_coverage_curve(y_true, y_prob, uncertainty)
    np.testing.assert_allclose(excess, np.mean(curves) - best, atol=1e-15)


def test_area_by_a_plain_double_loop(predictions):
    y_true, y_prob = predictions(items=80)
    confidence, hits = y_prob.max(axis=1), y_prob.argmax(axis=1) == y_true
    total = 0.0
    for threshold in confidence:
        kept = [not hit for c, hit in zip(confidence, hits, strict=True) if c >= threshold]
        total += sum(kept) / len(kept)
    np.testing.assert_allclose(area_under_risk_coverage_curve(y_true, y_prob), total / 80)


def test_default_uncertainty_is_one_minus_the_largest_probability(predictions):
    y_true, y_prob = predictions()
    given_it = area_under_risk_coverage_curve(y_true, y_prob, uncertainty=1 - y_prob.max(axis=1))
    assert area_under_risk_coverage_curve(y_true, y_prob) == given_it


def test_an_uninformative_uncertainty_has_the_error_rate_at_every_coverage(predictions):
    y_true, y_prob = predictions()
    error_rate = np.mean(y_prob.argmax(axis=1) != y_true)
    curve = risk_coverage_curve(y_true, y_prob, np.zeros(len(y_true)))
    np.testing.assert_allclose(curve.risk, error_rate)


def test_random_uncertainty_has_the_area_of_no_uncertainty_on_average(predictions):
    y_true, y_prob = predictions(items=50)
    rng = np.random.default_rng(0)
    areas = [area_under_risk_coverage_curve(y_true, y_prob, rng.random(50)) for _ in range(500)]
    expected = area_under_risk_coverage_curve(y_true, y_prob, np.zeros(50))
    assert abs(np.mean(areas) - expected) < 4 * np.std(areas) / np.sqrt(len(areas))


@pytest.mark.parametrize("rate", [0.01, 0.2, 0.7])
def test_best_area_tends_to_the_limit_of_the_paper(rate):
    errors = np.arange(10_000) < rate * 10_000
    y_true, y_prob = problem(errors)
    best = area_under_risk_coverage_curve(y_true, y_prob, errors.astype(float))
    assert best == pytest.approx(rate + (1 - rate) * np.log(1 - rate), abs=1e-3)
    assert excess_area_under_risk_coverage_curve(y_true, y_prob, errors.astype(float)) == 0


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_areas_stay_in_range_and_see_neither_order_nor_units(items, random):
    shuffled = random.sample(items, len(items))
    areas = []
    for pairs, unit in ((items, 1.0), (shuffled, 0.1)):
        y_true, y_prob = problem([error for error, _ in pairs])
        uncertainty = [unit * value - 3 for _, value in pairs]
        area = area_under_risk_coverage_curve(y_true, y_prob, uncertainty)
        excess = excess_area_under_risk_coverage_curve(y_true, y_prob, uncertainty)
        assert -1e-12 <= excess <= area <= 1 + 1e-12
        assert risk_coverage_curve(y_true, y_prob, uncertainty).risk[-1] == pytest.approx(
            np.mean(y_true)
        )
        areas.append(area)
    assert areas[0] == pytest.approx(areas[1], abs=1e-12)
