import numpy as np
import pytest
from scipy import stats

from hetero_unc.metrics import (
    annotation_brier_score,
    calibrated_null,
    jensen_shannon_distance,
    redraw_votes,
    resampling_floor,
    vote_shares,
)


def test_redrawn_votes_have_the_numbers_and_the_chances_asked_for(voted):
    votes, y_prob, _ = voted(items=3)
    per_item = votes.sum(axis=1)
    drawn = np.stack([redraw_votes(y_prob, per_item, seed=seed) for seed in range(2000)])
    assert (drawn.sum(axis=2) == per_item).all()
    error = np.sqrt(per_item[:, None] * y_prob * (1 - y_prob) / 2000)
    assert (np.abs(drawn.mean(axis=0) - per_item[:, None] * y_prob) < 4.5 * error).all()


def test_single_precision_rows_can_be_drawn_from():
    y_prob = np.random.default_rng(0).dirichlet(np.ones(9), size=500).astype(np.float32)
    assert (redraw_votes(y_prob * 1.0005, 10).sum(axis=1) == 10).all()


def test_null_of_the_brier_score_is_one_minus_the_squares(voted):
    _, y_prob, _ = voted(items=200)

    def mean_brier(votes):
        return annotation_brier_score(votes, y_prob).total.mean()

    null = calibrated_null(mean_brier, y_prob, 10, redraws=200)
    expected = (1 - np.square(y_prob).sum(axis=1)).mean()
    assert abs(null.estimate - expected) < (null.high - null.low) / 4 / np.sqrt(200) * 4
    assert null.low < expected < null.high


def test_figures_in_one_array_share_the_redraws(voted):
    _, y_prob, _ = voted(items=20)
    null = calibrated_null(lambda votes: votes[:2, 0], y_prob, 10, redraws=50)
    assert null.estimate.shape == null.low.shape == (2,)
    alone = calibrated_null(lambda votes: votes[1, 0], y_prob, 10, redraws=50)
    assert null.estimate[1] == alone.estimate


def test_floor_of_two_classes_is_a_binomial_sum():
    votes = np.arange(6)
    shares = np.stack([votes, 5 - votes], axis=1) / 5
    distances = jensen_shannon_distance(shares, np.tile([0.3, 0.7], (6, 1)))
    expected = stats.binom.pmf(votes, 5, 0.3) @ distances
    floor = resampling_floor(np.tile([0.3, 0.7], (400, 1)), 5, redraws=100)
    deviation = np.sqrt(stats.binom.pmf(votes, 5, 0.3) @ (distances - expected) ** 2)
    assert abs(floor.estimate - expected) < 4 * deviation / np.sqrt(400 * 100)


def test_the_truth_stands_at_its_floor_and_a_sharpened_one_above_its_own(voted):
    for sharpness, above in ((1.0, False), (3.0, True)):
        votes, y_prob, _ = voted(items=1000, sharpness=sharpness)
        floor = resampling_floor(y_prob, votes.sum(axis=1), redraws=50, level=0.999)
        distance = jensen_shannon_distance(vote_shares(votes), y_prob).mean()
        assert (distance > floor.high) == above


@pytest.mark.parametrize(
    ("per_item", "message"),
    [
        ([1], r"`votes_per_item` must be one number or have shape \(2,\). Received: shape=\(1,\)"),
        ([1, 0], "`votes_per_item` must be integers >= 1. Received: dtype=int64, minimum=0"),
        (2.0, "`votes_per_item` must be integers >= 1. Received: dtype=float64"),
        ([], "`votes_per_item` must be integers >= 1"),
    ],
)
@pytest.mark.parametrize("function", [redraw_votes, resampling_floor])
def test_bad_numbers_of_votes_are_named(function, per_item, message):
    with pytest.raises(ValueError, match=message):
        function([[0.5, 0.5]] * 2, per_item)


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="`redraws` must be an integer >= 1"):
        calibrated_null(np.mean, [[0.5, 0.5]], 1, redraws=0)
    with pytest.raises(ValueError, match=r"`level` must lie in \(0, 1\)"):
        resampling_floor([[0.5, 0.5]], 1, level=1.0)
