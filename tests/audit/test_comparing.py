"""Two models on the same items: signs, ties and the metrics' own figures."""

import numpy as np
import pytest

from hetero_unc import metrics
from hetero_unc.audit import AuditSettings
from hetero_unc.audit.comparing import FIGURES, compare
from hetero_unc.data import Predictions

SETTINGS = AuditSettings(resamples=200)


@pytest.fixture(scope="module")
def worse(crowd):
    """The same forecast, half of it replaced by chance."""
    predictions = crowd[0]
    blurred = (predictions.probabilities + 0.25) / 2
    return Predictions(blurred, predictions.ids, classes=predictions.classes)


def test_a_model_ties_with_itself(crowd):
    predictions, table = crowd
    result = compare(predictions, predictions, table, settings=SETTINGS)
    assert {row["verdict"] for row in result["rows"]} == {"tie"}
    assert {row["difference"]["estimate"] for row in result["rows"]} == {0.0}
    assert result["same_prediction"] == 1.0


def test_the_better_forecast_is_named_on_either_side(crowd, worse):
    predictions, table = crowd
    result = {r["name"]: r for r in compare(predictions, worse, table, settings=SETTINGS)["rows"]}
    swapped = {r["name"]: r for r in compare(worse, predictions, table, settings=SETTINGS)["rows"]}
    assert set(result) == set(FIGURES)
    for name in ("log_loss_votes", "brier_votes", "ece_votes", "js_distance"):
        assert (result[name]["verdict"], swapped[name]["verdict"]) == ("first", "second")
        assert result[name]["difference"]["high"] == pytest.approx(
            -swapped[name]["difference"]["low"]
        )
    assert result["accuracy"]["verdict"] == "tie"  # blurring keeps every predicted class


def test_figures_are_those_of_the_metrics(crowd):
    predictions, table = crowd
    rows = {
        r["name"]: r for r in compare(predictions, predictions, table, settings=SETTINGS)["rows"]
    }
    kept = table.split != "train"
    votes = table.votes[kept]
    y_prob = predictions.probabilities.astype(float).mean(axis=0)[kept]
    expected = metrics.vote_accuracy(votes, y_prob).fractional
    assert rows["accuracy"]["first"] == pytest.approx(expected)
    expected = metrics.vote_calibration_error(votes, y_prob, n_bins=15)
    assert rows["ece_votes"]["first"] == pytest.approx(expected)
    expected = np.mean(metrics.jensen_shannon_distance(metrics.vote_shares(votes), y_prob))
    assert rows["js_distance"]["first"] == pytest.approx(expected)
