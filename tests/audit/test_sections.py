"""Each section's figures against the functions of `metrics`, other libraries and double loops."""

import numpy as np
import pytest
from scipy import stats

from hetero_unc import metrics
from hetero_unc.audit import AuditSettings
from hetero_unc.audit.accuracy_section import accuracy_section
from hetero_unc.audit.annotator_section import annotator_section
from hetero_unc.audit.calibration_section import calibration_section
from hetero_unc.audit.calibrator_section import calibrator_rows
from hetero_unc.audit.conformal_section import conformal_section
from hetero_unc.audit.disagreement_section import disagreement_section
from hetero_unc.audit.evidence import gather_evidence
from hetero_unc.audit.group_section import group_section
from hetero_unc.audit.logit_noise import logit_noise_figures
from hetero_unc.audit.resampling import as_interval, resampled_sums
from hetero_unc.data import Annotations

SETTINGS = AuditSettings(resamples=100, bins=7)


@pytest.fixture(scope="module")
def evidence(crowd):
    return gather_evidence(*crowd)


@pytest.fixture(scope="module")
def judged(evidence):
    return evidence.take(evidence.roles.evaluated)


@pytest.fixture(scope="module")
def validation(evidence):
    return evidence.take(evidence.roles.validation)


def test_parts_of_doubt_are_those_of_the_metrics(crowd, evidence):
    probabilities = crowd[0].probabilities.astype(float)
    parts = metrics.entropy_decomposition(probabilities)
    np.testing.assert_allclose(evidence.total, parts.total)
    np.testing.assert_allclose(evidence.epistemic, parts.epistemic)
    expected = (1 - np.square(probabilities).sum(axis=2)).mean(axis=0)
    np.testing.assert_allclose(evidence.model_disagreement, expected)


def test_noise_of_logits_is_that_of_many_draws():
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(0, 2, (2, 30, 4)), rng.uniform(0.2, 1.5, (2, 30, 4))
    z = loc + scale * rng.standard_normal((4000, 1, 1, 4))
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    entropies = -(p * np.log(p)).sum(axis=-1)
    found, agreement = logit_noise_figures(loc, scale)
    # 32 draws, antithetic: each within four standard errors of plain draws, and close on average.
    error = 4 * entropies.std(axis=0) / np.sqrt(32)
    assert (np.abs(found - entropies.mean(axis=0)) < error + 0.01).all()
    assert found.mean() == pytest.approx(entropies.mean(), abs=0.05)
    assert agreement.mean() == pytest.approx(np.square(p).sum(axis=-1).mean(), abs=0.03)


def test_sums_over_resamples_make_the_same_interval_as_the_bootstrap_of_the_metrics():
    values = np.random.default_rng(0).gamma(2, size=300)
    sums = resampled_sums(np.stack([values, np.ones(300)], axis=1), resamples=2000)
    ours = as_interval(sums[:, 0] / sums[:, 1], level=0.9)
    theirs = metrics.bootstrap_interval(np.mean, values, level=0.9)
    assert ours.estimate == pytest.approx(values.mean())
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.15 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.15 * width)


def test_calibration_is_that_of_the_metrics(judged):
    section = calibration_section(judged, SETTINGS)
    found = {row["name"]: row["value"]["estimate"] for row in section["numbers"]}
    votes, y_prob = judged.votes, judged.y_prob
    brier = metrics.annotation_brier_score(votes, y_prob)
    labels, forecasts = metrics.annotations_as_items(votes, y_prob)
    expected = {
        "ece_votes": metrics.vote_calibration_error(votes, y_prob, n_bins=7),
        "ece_votes_equal_mass": metrics.vote_calibration_error(
            votes, y_prob, n_bins=7, binning="equal_mass"
        ),
        "calibration_debiased": metrics.debiased_vote_calibration_error(votes, y_prob, n_bins=7),
        "total_variation": metrics.total_variation_error(votes, y_prob),
        "entropy_calibration": metrics.entropy_calibration_error(votes, y_prob),
        "log_loss_votes": metrics.log_loss(labels, forecasts),
        "brier_votes": metrics.brier_score(labels, forecasts),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9), name
    assert section["brier"]["excess"] == pytest.approx(brier.distance.mean())  # seven votes each
    assert section["brier"]["votes_own_spread"] == pytest.approx(brier.spread.mean())
    curve = metrics.vote_reliability_curve(votes, y_prob, n_bins=7)
    kept = curve.count > 0
    np.testing.assert_allclose(section["curve"]["agreement"], curve.accuracy[kept])
    np.testing.assert_allclose(section["curve"]["confidence"], curve.confidence[kept])
    assert section["curve"]["votes"] == curve.count[kept].tolist()


def test_accuracy_is_that_of_the_metrics(judged):
    section = accuracy_section(judged, SETTINGS)
    expected = metrics.vote_accuracy(judged.votes, judged.y_prob)
    assert section["plurality"]["estimate"] == pytest.approx(expected.fractional)
    assert section["one_annotator_against_rest"] == metrics.annotator_agreement(judged.votes)
    share = metrics.vote_shares(judged.votes)[np.arange(len(judged)), judged.predicted]
    assert section["random_vote"]["estimate"] == pytest.approx(share.mean())
    assert sum(row["items"] for row in section["per_class"]) == pytest.approx(len(judged))


def test_disagreement_is_correlated_as_scipy_does(judged):
    section = disagreement_section(judged, SETTINGS)
    rows = {row["quantity"]: row for row in section["rows"]}
    d = judged.vote_disagreement
    doubt = 1 - judged.confidence
    for name, values in (("total", judged.total), ("epistemic", judged.epistemic)):
        row = rows[name]
        assert row["pearson"]["estimate"] == pytest.approx(stats.pearsonr(values, d).statistic)
        assert row["spearman"]["estimate"] == pytest.approx(stats.spearmanr(values, d).statistic)
        assert row["partial_given_confidence"]["estimate"] == pytest.approx(
            metrics.partial_correlation(values, d, doubt)
        )
        assert row["pearson"]["low"] < row["pearson"]["estimate"] < row["pearson"]["high"]
        share = row["share_of_ceiling"]["estimate"]
        assert share * section["ceiling"]["split_half"] == pytest.approx(row["pearson"]["estimate"])
    assert rows["doubt"]["pearson"]["estimate"] == pytest.approx(stats.pearsonr(doubt, d).statistic)
    assert rows["doubt"]["partial_given_confidence"] is None
    assert section["js_distance"]["floor"] < section["js_distance"]["mean"]["estimate"] + 0.1


def test_calibrators_mend_a_forecast_that_is_too_sure(judged, validation):
    rows = calibrator_rows(judged, validation, SETTINGS)
    assert [row["name"] for row in rows][:2] == ["none", "temperature"]
    losses = {row["name"]: row["log_loss_votes"]["estimate"] for row in rows}
    fitted = metrics.TemperatureCalibrator().fit(validation.y_prob, validation.votes)
    labels, forecasts = metrics.annotations_as_items(judged.votes, fitted.transform(judged.y_prob))
    assert losses["temperature"] == pytest.approx(metrics.log_loss(labels, forecasts))


def test_alpha_is_that_of_the_krippendorff_package(evidence):
    krippendorff = pytest.importorskip("krippendorff")
    section = annotator_section(evidence, None, SETTINGS)
    expected = krippendorff.alpha(value_counts=evidence.votes, level_of_measurement="nominal")
    assert section["krippendorff_alpha"]["estimate"] == pytest.approx(expected, rel=1e-12)
    assert "absent" in section["dawid_skene"]


def test_an_annotator_who_guesses_stands_out(evidence):
    rng = np.random.default_rng(0)
    truth = rng.integers(4, size=300)
    labels = np.where(rng.random((300, 5)) < 0.9, truth[:, None], rng.integers(4, size=(300, 5)))
    labels[:, 4] = rng.integers(4, size=300)
    items = np.repeat(np.arange(300), 5)
    names = np.tile(["a", "b", "c", "d", "guesser"], 300)
    votes = np.bincount(items * 4 + labels.ravel(), minlength=1200).reshape(300, 4)
    few = evidence.take(np.arange(300))
    few = type(few)(**{**vars(few), "votes": votes})
    section = annotator_section(few, Annotations(items, names, labels.ravel()), SETTINGS)
    agreement = {row["annotator"]: row["agreement_with_rest"] for row in section["rows"]}
    assert agreement["guesser"]["high"] < 0.4 < 0.8 < agreement["a"]["low"]
    # A double loop: the vote against the plurality of the item's other votes.
    found = []
    for row in labels:
        rest = np.bincount(row[1:], minlength=4)
        found.append((rest[row[0]] == rest.max()) / (rest == rest.max()).sum())
    assert agreement["a"]["estimate"] == pytest.approx(np.mean(found))


def test_conformal_sets_cover_a_random_vote_as_often_as_stated(judged, validation):
    pytest.importorskip("mapie")
    section = conformal_section(judged, validation, SETTINGS)
    assert [row["name"] for row in section["methods"]] == ["lac", "aps", "raps"]
    for row in section["methods"]:
        # Three hundred items on either side: two standard errors of 0.017 each, added.
        assert row["coverage"]["estimate"] > 0.9 - 0.06
        assert sum(row["sizes"]) == pytest.approx(1)
        assert row["mean_size"] == pytest.approx(np.arange(5) @ row["sizes"])
    sizes = [row["mean_size"] for row in section["methods"]]
    assert sizes[0] <= sizes[1] + 0.05  # LAC's sets are the smallest on average


def test_a_class_of_one_vote_leaves_the_other_sets_standing(judged, validation):
    pytest.importorskip("mapie")
    votes = np.zeros_like(validation.votes)
    votes[:, 0] = 3
    votes[0] = [0, 0, 0, 3]
    votes[1:40] = [0, 3, 0, 0]
    rare = type(validation)(**{**vars(validation), "votes": votes})
    section = conformal_section(judged, rare, SETTINGS)
    assert {"lac", "aps"} <= {row["name"] for row in section["methods"]}
    assert len(section["methods"]) + len(section["left_out"]) == 3


def test_a_group_that_differs_is_found_and_one_that_does_not_is_not(judged, evidence):
    training = evidence.take(evidence.roles.training)
    same = group_section(judged, training, np.ones(len(judged), dtype=bool), SETTINGS)
    rows = same["groups"][0]["rows"]
    assert not any(test["differs"] for row in rows for test in row["tests"].values())
    # By the votes' own disagreement, which then differs by construction.
    worse = judged.vote_disagreement > np.median(judged.vote_disagreement)
    groups = {"split": np.where(worse, "much", "little")}
    other = type(judged)(**{**vars(judged), "groups": groups})
    training = type(training)(**{**vars(training), "groups": {"split": np.array(["much"])}})
    found = group_section(other, training, worse, SETTINGS)["groups"][0]["rows"]
    much = next(row for row in found if row["value"] == "much")
    assert much["tests"]["disagreement"]["differs"]
    assert much["training_share"] == 1.0
    assert much["accuracy"]["estimate"] == pytest.approx(judged.plurality_hit[worse].mean())
    assert much["ece_votes"]["estimate"] == pytest.approx(
        metrics.vote_calibration_error(judged.votes[worse], judged.y_prob[worse], n_bins=7)
    )
    test = stats.ttest_ind(
        judged.plurality_hit[worse], judged.plurality_hit[~worse], equal_var=False
    )
    assert much["tests"]["accuracy"]["p"] == pytest.approx(test.pvalue)
