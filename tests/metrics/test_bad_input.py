"""Every metric of `(y_true, y_prob)` refuses the same bad input, by the argument's name."""

import numpy as np
import pytest

from hetero_unc import metrics

BINNED = [
    metrics.reliability_curve,
    metrics.expected_calibration_error,
    metrics.debiased_calibration_error,
    metrics.maximum_calibration_error,
    metrics.root_mean_square_calibration_error,
    metrics.classwise_calibration_error,
    metrics.adaptive_calibration_error,
    metrics.thresholded_adaptive_calibration_error,
]
RANKED = [
    metrics.risk_coverage_curve,
    metrics.area_under_risk_coverage_curve,
    metrics.excess_area_under_risk_coverage_curve,
    metrics.error_detection_auroc,
]
METRICS = [metrics.accuracy, metrics.log_loss, metrics.brier_score, *BINNED, *RANKED]
GOOD = [[0.9, 0.1], [0.8, 0.2]]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("y_true", "y_prob", "message"),
    [
        (
            [0, 2],
            GOOD,
            r"`y_true` must lie in \[0, 2\). Received: 1 of 2 outside, the first y_true",
        ),
        ([-1, 0], GOOD, r"`y_true` must lie in \[0, 2\).*y_true\[0\]=-1"),
        ([0.0, 1.0], GOOD, "`y_true` must be integers. Received: dtype=float64, first value=0.0"),
        ([0, np.nan], GOOD, "`y_true` must be integers. Received: 1 NaN of 2 values, the first at"),
        (["0", "1"], GOOD, "`y_true` must be integers. Received: dtype=<U1"),
        ([0], GOOD, r"must have the same length. Received: len\(y_true\)=1, len\(y_prob\)=2"),
        ([], np.zeros((0, 2)), "`y_prob` must not be empty"),
        ([], GOOD, "`y_true` must not be empty"),
        ([0, 0], [[1.0], [1.0]], "`y_prob` must have at least 2 classes"),
        ([0, 1], [0.9, 0.2], "`y_prob` must have 2 axes"),
        ([0, 1], [[0.9, 0.1], [0.9]], "`y_prob` must be an array. Received: "),
        ([0, 1], [[0.9, 0.1], [2.0, 1.0]], "must sum to 1; .* Received: row 1 sums to 3"),
        ([0, 1], [[0.9, 0.1], [1.2, -0.2]], "`y_prob` must be >= 0. Received: row 1 holds -0.2"),
        ([0, 1], [[0.9, 0.1], [np.nan, 1]], "`y_prob` must be finite. Received: 1 NaN or"),
        ([0, 1], [["a", "b"], ["c", "d"]], "`y_prob` must be numeric"),
    ],
)
def test_bad_predictions_are_named(metric, y_true, y_prob, message):
    with pytest.raises(ValueError, match=message):
        metric(y_true, y_prob)


@pytest.mark.parametrize("metric", BINNED)
@pytest.mark.parametrize("n_bins", [0, -1, 1.5, True, None])
def test_bad_numbers_of_bins_are_named(metric, n_bins):
    with pytest.raises(ValueError, match=r"`n_bins` must be an integer >= 1. Received: n_bins="):
        metric([0, 1], GOOD, n_bins=n_bins)


@pytest.mark.parametrize("metric", BINNED[:5])
def test_unknown_binning_is_named(metric):
    with pytest.raises(ValueError, match=r"`binning` must be one of .* Received: binning='wide'"):
        metric([0, 1], GOOD, binning="wide")


@pytest.mark.parametrize("metric", RANKED)
@pytest.mark.parametrize(
    ("uncertainty", "message"),
    [
        ([0.1], r"`uncertainty` must have 2 values. Received: shape=\(1,\)"),
        ([0.1, np.inf], "`uncertainty` must be finite. Received: 1 NaN or infinite of 2 values"),
        ([[0.1, 0.2]], "`uncertainty` must have 1 axes"),
    ],
)
def test_bad_uncertainty_is_named(metric, uncertainty, message):
    with pytest.raises(ValueError, match=message):
        metric([0, 1], GOOD, uncertainty)


@pytest.mark.parametrize("score", [metrics.log_loss, metrics.brier_score])
@pytest.mark.parametrize(
    ("y_true", "message"),
    [
        ([[0.5, 0.6], [1.0, 0.0]], "Every row of `y_true` must sum to 1.* row 0 sums to 1.1"),
        ([[3, 4], [1, 0]], "these may be logits or counts, so normalise first"),
        ([[0.5, 0.25, 0.25]] * 2, "must have the same shape. Received: y_true.shape"),
        ([[1.0, 0.0]], r"must have the same shape. Received: y_true.shape=\(1, 2\)"),
        ([[1.0, 0.0], [1.0]], "`y_true` must be an array. Received: "),
    ],
)
def test_bad_label_distributions_are_named(score, y_true, message):
    with pytest.raises(ValueError, match=message):
        score(y_true, GOOD)
