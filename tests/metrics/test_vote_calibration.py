import numpy as np
import pytest

from hetero_unc import metrics
from hetero_unc.metrics import (
    annotations_as_items,
    debiased_calibration_error,
    debiased_vote_calibration_error,
    entropy_calibration_error,
    expected_calibration_error,
    reliability_curve,
    total_variation_error,
    vote_calibration_error,
    vote_reliability_curve,
)

BINNED = [vote_reliability_curve, vote_calibration_error, debiased_vote_calibration_error]


def test_annotations_become_items_one_by_one(voted):
    votes, y_prob, _ = voted(items=12)
    labels, rows = [], []
    for item, row in enumerate(votes):
        for label, count in enumerate(row):
            for _ in range(count):
                labels.append(label)
                rows.append(y_prob[item])
    y_true, repeated = annotations_as_items(votes, y_prob)
    np.testing.assert_array_equal(y_true, labels)
    np.testing.assert_array_equal(repeated, rows)


@pytest.mark.parametrize("binning", ["equal_width", "equal_mass"])
def test_trials_are_the_annotations_one_by_one(voted, binning):
    votes, y_prob, _ = voted(items=300)
    pairs = annotations_as_items(votes, y_prob)
    np.testing.assert_allclose(
        vote_calibration_error(votes, y_prob, binning=binning),
        expected_calibration_error(*pairs, binning=binning),
    )
    ours = vote_reliability_curve(votes, y_prob, n_bins=7, binning=binning)
    theirs = reliability_curve(*pairs, n_bins=7, binning=binning)
    for name, values in vars(theirs).items():
        np.testing.assert_allclose(getattr(ours, name), values)


def test_debiased_error_of_one_annotation_an_item_is_that_of_labels():
    rng = np.random.default_rng(0)
    confidence = rng.choice([0.55, 0.75, 0.95], size=300)
    y_prob = np.stack([confidence, 1 - confidence], axis=1)
    labels = rng.integers(2, size=300)
    options = {"binning": "equal_width", "n_bins": 10, "squared": True}
    np.testing.assert_allclose(
        debiased_vote_calibration_error(np.eye(2, dtype=int)[labels], y_prob, **options),
        debiased_calibration_error(labels, y_prob, **options),
    )


def test_debiased_error_by_a_double_loop_over_items(voted):
    votes, y_prob, _ = voted(items=40)
    total, expected = votes.sum(), 0.0
    bins = np.minimum(np.ceil(y_prob.max(axis=1) * 5).astype(int) - 1, 4)
    for number in range(5):
        rows = np.flatnonzero(bins == number)
        gap = [votes[i, y_prob[i].argmax()] - votes[i].sum() * y_prob[i].max() for i in rows]
        if len(rows) > 1:
            pairs = [gap[i] * gap[j] for i in range(len(rows)) for j in range(len(rows)) if i != j]
            trials = votes[rows].sum()
            expected += np.mean(pairs) * len(rows) ** 2 / trials / total
    ours = debiased_vote_calibration_error(
        votes, y_prob, n_bins=5, binning="equal_width", squared=True
    )
    np.testing.assert_allclose(ours, expected)


def test_debiased_error_of_a_calibrated_forecast_is_zero_on_average_although_votes_cluster():
    rng = np.random.default_rng(0)
    squares, naive = [], []
    for _ in range(400):
        # People's shares scatter around the forecast, as they do where it misses what they see.
        truth = rng.beta(3, 1, size=100)
        votes = rng.binomial(10, truth)
        votes = np.stack([votes, 10 - votes], axis=1)
        y_prob = np.tile([0.75, 0.25], (100, 1))
        squares.append(debiased_vote_calibration_error(votes, y_prob, squared=True))
        pairs = annotations_as_items(votes, y_prob)
        naive.append(debiased_calibration_error(*pairs, squared=True))
    error = np.std(squares) / np.sqrt(400)
    assert abs(np.mean(squares)) < 4 * error
    assert np.mean(naive) > 8 * error, "annotations taken for independent are not debiased"


def test_instance_level_errors_by_a_loop(voted):
    votes, y_prob, _ = voted(items=10)
    distances, differences = [], []
    for row, forecast in zip(votes, y_prob, strict=True):
        shares = row / row.sum()
        distances.append(sum(abs(a - b) for a, b in zip(shares, forecast, strict=True)) / 2)
        people = -sum(p * np.log(p) for p in shares if p > 0)
        model = -sum(p * np.log(p) for p in forecast if p > 0)
        differences.append(abs(people - model))
    np.testing.assert_allclose(total_variation_error(votes, y_prob), np.mean(distances))
    np.testing.assert_allclose(entropy_calibration_error(votes, y_prob), np.mean(differences))


@pytest.mark.parametrize(
    "function",
    [
        *BINNED,
        total_variation_error,
        entropy_calibration_error,
        annotations_as_items,
        metrics.annotation_brier_score,
        metrics.vote_accuracy,
    ],
)
@pytest.mark.parametrize(
    ("votes", "y_prob", "message"),
    [
        ([[1, 1]], [[0.5, 0.25, 0.25]], "`votes` and `y_prob` must have the same shape. Received"),
        ([[1, 1]], [[3.0, 1.0]], "Every row of `y_prob` must sum to 1"),
        ([[0, 0]], [[0.5, 0.5]], "Every row of `votes` must hold a vote"),
        ([[0.5, 0.5]], [[0.5, 0.5]], "`votes` must be counts"),
    ],
)
def test_bad_votes_and_probabilities_are_named(function, votes, y_prob, message):
    with pytest.raises(ValueError, match=message):
        function(votes, y_prob)


@pytest.mark.parametrize("function", BINNED)
def test_bad_bins_are_named(function):
    with pytest.raises(ValueError, match="`n_bins` must be an integer >= 1"):
        function([[1, 1]], [[0.5, 0.5]], n_bins=0)
    with pytest.raises(ValueError, match="`binning` must be one of"):
        function([[1, 1]], [[0.5, 0.5]], binning="wide")
