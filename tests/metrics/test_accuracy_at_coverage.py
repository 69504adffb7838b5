import numpy as np
import pytest
from scipy import stats

from hetero_unc.metrics import accuracy_at_coverage, risk_coverage_curve


def test_by_sorting(predictions):
    y_true, y_prob = predictions(items=101)
    hits = y_prob.argmax(axis=1) == y_true
    order = np.argsort(1 - y_prob.max(axis=1))
    result = accuracy_at_coverage(y_true, y_prob, coverage=0.7)
    assert result.kept == 70
    np.testing.assert_allclose(result.accuracy, hits[order[:70]].mean())
    np.testing.assert_allclose(result.accuracy_of_refused, hits[order[70:]].mean())
    np.testing.assert_allclose(result.accuracy_of_all, hits.mean())
    np.testing.assert_allclose(result.gain, hits[order[:70]].mean() - hits.mean())


def test_ties_are_those_of_the_curve(predictions):
    y_true, y_prob = predictions(tied=True)
    result = accuracy_at_coverage(y_true, y_prob, coverage=0.5)
    curve = risk_coverage_curve(y_true, y_prob)
    np.testing.assert_allclose(result.accuracy, 1 - curve.risk[99])


def test_random_control_holds_95_percent_of_random_refusals(predictions):
    y_true, y_prob = predictions()
    rng = np.random.default_rng(0)
    result = accuracy_at_coverage(y_true, y_prob)
    gains = [accuracy_at_coverage(y_true, y_prob, rng.random(200)).gain for _ in range(300)]
    inside = np.mean([result.random_low <= gain <= result.random_high for gain in gains])
    # The gains are discrete, so the interval holds a little more than 95 %.
    assert inside > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 300)
    hits = round(result.accuracy_of_all * 200)
    spread = stats.hypergeom(200, hits, 150).std() / 150
    np.testing.assert_allclose(result.random_high - result.random_low, 3.92 * spread, rtol=0.15)


def test_keeping_all_gains_nothing(predictions):
    y_true, y_prob = predictions()
    result = accuracy_at_coverage(y_true, y_prob, coverage=1)
    assert result.kept == 200
    assert result.gain == pytest.approx(0, abs=1e-12)
    assert result.random_low == result.random_high == pytest.approx(0)
    assert np.isnan(result.accuracy_of_refused)


def test_one_item_is_kept_at_least(predictions):
    assert accuracy_at_coverage(*predictions(), coverage=1e-6).kept == 1


@pytest.mark.parametrize("coverage", [0, -0.5, 1.5, np.nan])
def test_bad_coverage_is_named(coverage):
    with pytest.raises(ValueError, match=r"`coverage` must lie in \(0, 1\]. Received: coverage="):
        accuracy_at_coverage([0, 1], [[0.9, 0.1], [0.8, 0.2]], coverage=coverage)


@pytest.mark.parametrize("coverage", [True, "0.5", None])
def test_coverage_of_another_type_is_named(coverage):
    with pytest.raises(ValueError, match=r"`coverage` must be a number in \(0, 1\]"):
        accuracy_at_coverage([0, 1], [[0.9, 0.1], [0.8, 0.2]], coverage=coverage)
