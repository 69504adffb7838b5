import numpy as np
import pytest

from hetero_unc.metrics import (
    annotation_brier_score,
    annotations_as_items,
    brier_by_uncertainty,
    brier_score,
    calibrated_null,
    disagreement,
    entropy,
)


def test_brier_score_by_a_loop_over_annotations_and_its_split(voted):
    votes, y_prob, _ = voted(items=20)
    score = annotation_brier_score(votes, y_prob)
    for row, forecast, total in zip(votes, y_prob, score.total, strict=True):
        labels = np.repeat(np.arange(len(row)), row)
        np.testing.assert_allclose(
            total, np.mean([((np.eye(4)[k] - forecast) ** 2).sum() for k in labels])
        )
    np.testing.assert_allclose(score.spread, disagreement(votes))
    np.testing.assert_allclose(score.total, score.distance + score.spread, rtol=0)
    pairs = annotations_as_items(votes, y_prob)
    np.testing.assert_allclose(
        np.average(score.total, weights=votes.sum(axis=1)), brier_score(*pairs)
    )


def test_bins_by_a_loop(voted):
    votes, y_prob, _ = voted(items=50)
    uncertainty = entropy(y_prob)
    bins = brier_by_uncertainty(votes, y_prob, uncertainty, n_bins=5)
    order = np.argsort(uncertainty)
    for number, rows in enumerate(np.split(order, 5)):
        y_true, repeated = annotations_as_items(votes[rows], y_prob[rows])
        assert bins.count[number] == len(y_true)
        np.testing.assert_allclose(bins.brier[number], brier_score(y_true, repeated))
        null = 1 - np.mean((repeated**2).sum(axis=1))
        np.testing.assert_allclose(bins.null[number], null)
        np.testing.assert_allclose(bins.excess[number], bins.brier[number] - null)
        np.testing.assert_allclose(bins.confidence[number], repeated.max(axis=1).mean())
        np.testing.assert_allclose(bins.share[number], np.mean(repeated.argmax(axis=1) == y_true))
        weights = votes[rows].sum(axis=1)
        mean = np.average(uncertainty[rows], weights=weights)
        np.testing.assert_allclose(bins.uncertainty[number], mean)


def test_a_calibrated_forecast_has_a_rising_brier_score_and_no_excess():
    rng = np.random.default_rng(0)
    y_prob = rng.dirichlet(np.ones(4), size=1000)
    uncertainty = entropy(y_prob)

    def correlations(votes):
        bins = brier_by_uncertainty(votes, y_prob, uncertainty, n_bins=20)
        return [bins.index_correlation("brier"), bins.index_correlation("excess")]

    null = calibrated_null(correlations, y_prob, 10, redraws=50)
    assert null.low[0] > 0.9
    assert null.low[1] < 0 < null.high[1]
    assert abs(null.estimate[1]) < 0.15


def test_ties_leave_bins_empty_and_out_of_the_correlation():
    votes, y_prob = [[3, 1]] * 4, [[0.5, 0.5], [0.6, 0.4], [0.7, 0.3], [0.9, 0.1]]
    bins = brier_by_uncertainty(votes, y_prob, [1.0, 1.0, 1.0, 2.0], n_bins=4)
    np.testing.assert_array_equal(bins.count, [12, 0, 0, 4])
    assert np.isnan(bins.brier[1:3]).all()
    np.testing.assert_allclose(abs(bins.index_correlation("brier")), 1)


@pytest.mark.parametrize(
    ("uncertainty", "n_bins", "message"),
    [
        ([0.1], 2, r"`uncertainty` must have 2 values. Received: shape=\(1,\)"),
        ([0.1, np.nan], 2, "`uncertainty` must be finite"),
        ([0.1, 0.2], 0, "`n_bins` must be an integer >= 1"),
    ],
)
def test_bad_input_is_named(uncertainty, n_bins, message):
    with pytest.raises(ValueError, match=message):
        brier_by_uncertainty([[1, 1]] * 2, [[0.5, 0.5]] * 2, uncertainty, n_bins=n_bins)
