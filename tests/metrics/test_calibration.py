import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetero_unc.metrics import (
    debiased_calibration_error,
    expected_calibration_error,
    maximum_calibration_error,
    reliability_curve,
    root_mean_square_calibration_error,
)

BINNINGS = ["equal_width", "equal_mass"]


def bins_by_loop(y_true, y_prob, n_bins, binning):
    """Lists of `(confidence, hit)` a bin, from the definitions, item by item."""
    pairs = []
    for label, row in zip(y_true.tolist(), y_prob.tolist(), strict=True):
        confidence = max(row)
        pairs.append((confidence, float(row.index(confidence) == label)))
    bins = [[] for _ in range(n_bins)]
    for confidence, hit in pairs:
        if binning == "equal_mass":
            smaller = sum(other < confidence for other, _ in pairs)
            chosen = n_bins * smaller // len(pairs)
        else:
            edges = np.linspace(0, 1, n_bins + 1).tolist()
            fits = [low < confidence <= high for low, high in itertools.pairwise(edges)]
            chosen = fits.index(True)
        bins[chosen].append((confidence, hit))
    return [members for members in bins if members]


@pytest.mark.parametrize("binning", BINNINGS)
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("n_bins", [1, 7, 15, 1000])
def test_errors_agree_with_a_loop_from_the_definitions(predictions, binning, tied, n_bins):
    y_true, y_prob = predictions(tied=tied, items=120)
    expected = squared = debiased = worst = 0.0
    for members in bins_by_loop(y_true, y_prob, n_bins, binning):
        confidence = sum(c for c, _ in members) / len(members)
        accuracy = sum(h for _, h in members) / len(members)
        gap, share = abs(accuracy - confidence), len(members) / len(y_true)
        expected += share * gap
        squared += share * gap**2
        worst = max(worst, gap)
        if len(members) > 1:
            chance = accuracy * (1 - accuracy) / (len(members) - 1)
            debiased += share * (gap**2 - chance)
    options = {"n_bins": n_bins, "binning": binning}
    np.testing.assert_allclose(expected_calibration_error(y_true, y_prob, **options), expected)
    np.testing.assert_allclose(maximum_calibration_error(y_true, y_prob, **options), worst)
    rms = root_mean_square_calibration_error(y_true, y_prob, **options)
    np.testing.assert_allclose(rms, squared**0.5)
    kumar = debiased_calibration_error(y_true, y_prob, squared=True, **options)
    np.testing.assert_allclose(kumar, debiased, atol=1e-15)
    root = debiased_calibration_error(y_true, y_prob, **options)
    np.testing.assert_allclose(root, max(debiased, 0) ** 0.5)


@pytest.mark.parametrize("binning", BINNINGS)
def test_errors_follow_from_the_reliability_curve(predictions, binning):
    y_true, y_prob = predictions()
    curve = reliability_curve(y_true, y_prob, binning=binning)
    filled = curve.count > 0
    gap = np.abs(curve.confidence - curve.accuracy)[filled]
    share = curve.count[filled] / len(y_true)
    ece = expected_calibration_error(y_true, y_prob, binning=binning)
    np.testing.assert_allclose(ece, gap @ share)
    mce = maximum_calibration_error(y_true, y_prob, binning=binning)
    np.testing.assert_allclose(mce, gap.max())


def test_one_bin_asks_only_for_the_mean():
    y_prob = [[0.9, 0.1], [0.7, 0.3], [0.6, 0.4]]
    expected = abs((0.9 + 0.7 + 0.6) / 3 - 2 / 3)
    for binning in BINNINGS:
        ece = expected_calibration_error([0, 1, 0], y_prob, n_bins=1, binning=binning)
        assert ece == pytest.approx(expected)


def test_a_perfect_model_has_no_error():
    for error in (
        expected_calibration_error,
        maximum_calibration_error,
        root_mean_square_calibration_error,
        debiased_calibration_error,
    ):
        assert error([0, 1, 2], np.eye(3)) == 0


@pytest.mark.parametrize("binning", BINNINGS)
@given(seed=st.integers(0, 2**32 - 1), items=st.integers(1, 40), n_bins=st.integers(1, 20))
def test_errors_are_ordered_in_range_and_do_not_see_the_order_of_items(
    binning, seed, items, n_bins
):
    rng = np.random.default_rng(seed)
    y_prob = rng.multinomial(8, np.ones(3) / 3, size=items) / 8
    y_true = rng.integers(3, size=items)
    order = rng.permutation(items)
    errors = (
        expected_calibration_error,
        root_mean_square_calibration_error,
        maximum_calibration_error,
        debiased_calibration_error,
    )
    options = {"n_bins": n_bins, "binning": binning}
    ece, rms, mce, debiased = (error(y_true, y_prob, **options) for error in errors)
    assert 0 <= ece <= rms + 1e-12
    assert debiased <= rms + 1e-12
    assert rms <= mce + 1e-12
    assert mce <= 1
    for error in errors:
        again = error(y_true[order], y_prob[order], **options)
        assert again == pytest.approx(error(y_true, y_prob, **options), abs=1e-12)


def calibrated_runs(confidences, runs, rng):
    """Labels drawn from the stated confidences themselves, run by run."""
    y_prob = np.stack([confidences, 1 - confidences], axis=1)
    for _ in range(runs):
        yield (rng.random(len(confidences)) >= confidences).astype(int), y_prob


def test_squared_debiased_error_of_a_calibrated_model_is_zero_on_average():
    rng = np.random.default_rng(3)
    confidences = np.repeat([0.55, 0.65, 0.75, 0.85, 0.95], 20)
    values = [
        debiased_calibration_error(y_true, y_prob, n_bins=10, binning="equal_width", squared=True)
        for y_true, y_prob in calibrated_runs(confidences, 2000, rng)
    ]
    standard_error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 4 * standard_error
    # The test can tell: the plug-in's bias is the mean of p (1 - p) / 20, far outside.
    plug_in = np.mean(confidences * (1 - confidences)) / 20
    assert plug_in > 20 * standard_error


@pytest.mark.parametrize("binning", BINNINGS)
def test_debiased_error_is_nearer_the_truth_than_the_plug_in(binning):
    rng = np.random.default_rng(4)
    confidences = rng.uniform(0.5, 1, size=300)
    plug_in, debiased, signed = [], [], []
    for y_true, y_prob in calibrated_runs(confidences, 300, rng):
        plug_in.append(root_mean_square_calibration_error(y_true, y_prob, binning=binning))
        debiased.append(debiased_calibration_error(y_true, y_prob, binning=binning))
        signed.append(debiased_calibration_error(y_true, y_prob, binning=binning, squared=True))
    assert np.mean(debiased) < 0.5 * np.mean(plug_in)
    assert abs(np.mean(signed)) < 0.1 * np.mean(np.square(plug_in))


def test_debiased_error_finds_a_known_miscalibration():
    rng = np.random.default_rng(5)
    # Right 70 times of 100 where 90 are stated, and 60 where 60 are: sqrt((0.2^2 + 0) / 2).
    y_prob = np.repeat([[0.9, 0.1], [0.6, 0.4]], 20_000, axis=0)
    y_true = (rng.random(40_000) >= np.repeat([0.7, 0.6], 20_000)).astype(int)
    error = debiased_calibration_error(y_true, y_prob)
    assert error == pytest.approx(np.sqrt(0.02), abs=0.01)
