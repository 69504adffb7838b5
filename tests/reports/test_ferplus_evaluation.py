"""The rows of results: against the authors' published figures, and by hand."""

import json

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from ferplus_average import average_of_equals
from ferplus_doubts import PARTS, doubts_of, nulls, predicted_disagreement
from ferplus_evaluation import evaluate_run, evaluate_split, read_predictive
from ferplus_measures import evaluate_labels, evaluate_votes, vote_log_loss
from ferplus_neighbours import feature_neighbours
from hetero_unc.metrics import classwise_calibration_error, maximum_calibration_error
from hetero_unc.predictive import Predictive

pytestmark = pytest.mark.end_to_end

ASKED_FOR = {
    "method", "recipe", "protocol", "split", "seed", "n", "accuracy_8", "accuracy_9",
    "js_distance", "js_divergence", "pearson_aleatoric", "spearman_aleatoric",
    "pearson_predicted_disagreement", "pearson_epistemic", "noise_ceiling", "reject_gain_25",
    "ece_votes", "seconds", "machine",
}  # fmt: skip
NOISY = ("probabilities", "loc", "scale")


@pytest.mark.real_data
def test_the_authors_baseline_gives_the_published_figures(real_data_dir, real_ferplus):
    recovered = np.load(real_data_dir / "uncnet" / "recovered.npz")
    forecast = recovered["baseline_probabilities_test"].astype(np.float64)
    rows = real_ferplus.rows_of("PublicTest")
    rows = rows[(real_ferplus.votes[rows, :9].sum(axis=1) > 0)]
    predictive = Predictive(forecast[None], ids=rows)
    found = evaluate_split(predictive, real_ferplus, "publictest", resamples=0)
    assert found["n"] == 3579
    assert found["n_8"] == 3199
    published = {
        "accuracy_9": (0.54848, 5e-6),
        "cross_entropy": (1.49306, 5e-6),
        "js_distance": (0.473, 6e-4),
        "js_distance_sd": (0.131, 6e-4),
        "accuracy_9_fractional": (0.5384, 6e-5),
        "accuracy_9_any_maximum": (0.5510, 6e-5),
        "accuracy_9_strict_majority": (0.5980, 6e-5),
        "accuracy_kept_total": (0.60320, 6e-6),
        "brier_votes": (0.6607, 6e-5),
        "ece_majority": (0.0697, 6e-5),
        "noise_ceiling": (0.856, 2e-3),
    }
    for name, (value, tolerance) in published.items():
        assert found[name] == pytest.approx(value, abs=tolerance), name


def test_rows_have_what_was_asked_for(ferplus_runs):
    rows = json.loads((ferplus_runs / "results.json").read_text(encoding="utf-8"))
    assert all(row.keys() >= ASKED_FOR for row in rows)
    ours = [row for row in rows if row["recipe"] == "end_to_end"]
    assert [(row["split"], row["passes"]) for row in ours] == [
        ("validation", 0),
        ("validation", 4),
        ("publictest", 0),
        ("publictest", 4),
    ]
    assert {row["seconds"] for row in rows} == {4.0}
    for name in ("pearson_epistemic", "accuracy_kept_epistemic", "brier_epistemic"):
        assert {row[name] is None for row in rows if row["passes"] == 0} == {True}, name


def test_the_numbers_are_those_of_scipy(ferplus_runs, small_ferplus):
    path = ferplus_runs / "corrected-uncnet-0"
    row = next(
        row
        for row in evaluate_run(path, small_ferplus, resamples=0, seconds=1.0, machine="here")
        if (row["split"], row["passes"]) == ("publictest", 4)
    )
    predictive = read_predictive(path, "publictest", small_ferplus, deterministic=False)
    kept = small_ferplus.names[predictive.ids] != ""
    passes = predictive.probabilities[:, kept].astype(np.float64)
    votes = small_ferplus.votes[predictive.ids[kept], :9]
    shares = votes / votes.sum(axis=1, keepdims=True)
    d = 1 - (shares**2).sum(axis=1)
    aleatoric = stats.entropy(passes, axis=2).mean(axis=0)
    mean = passes.mean(axis=0)
    assert row["n"] == kept.sum() == len(kept) - 1
    assert (row["seconds"], row["machine"]) == (1.0, "here")
    expected = {
        "pearson_aleatoric": stats.pearsonr(aleatoric, d)[0],
        "spearman_aleatoric": stats.spearmanr(aleatoric, d)[0],
        "pearson_epistemic": stats.pearsonr(stats.entropy(mean, axis=1) - aleatoric, d)[0],
        "pearson_predicted_disagreement": stats.pearsonr(
            1 - (passes**2).sum(axis=2).mean(axis=0), d
        )[0],
        "js_distance": jensenshannon(shares, mean, axis=1).mean(),
        "js_divergence": (jensenshannon(shares, mean, axis=1) ** 2).mean(),
        "accuracy_9": (mean.argmax(axis=1) == votes.argmax(axis=1)).mean(),
    }
    entropy = stats.entropy(votes, axis=1)
    distance = jensenshannon(shares, mean, axis=1)
    expected |= {
        "pearson_entropy_aleatoric": stats.pearsonr(aleatoric, entropy)[0],
        "pearson_entropy_total": stats.pearsonr(stats.entropy(mean, axis=1), entropy)[0],
        "pearson_js_aleatoric": stats.pearsonr(aleatoric, distance)[0],
        "pearson_js_divergence_aleatoric": stats.pearsonr(aleatoric, distance**2)[0],
        "js_distance_sd": distance.std(ddof=1),
        "cross_entropy": (stats.entropy(shares, mean, axis=1) + entropy).mean(),
        "sce_majority": classwise_calibration_error(votes.argmax(axis=1), mean),
        "mce_majority": maximum_calibration_error(votes.argmax(axis=1), mean),
    }
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, abs=1e-6), name
    order = np.argsort(stats.entropy(mean, axis=1), kind="stable")[: int(0.75 * len(votes))]
    right = mean.argmax(axis=1) == votes.argmax(axis=1)
    assert row["reject_gain_25"] == pytest.approx(right[order].mean() - right.mean())
    order = np.argsort(1 - mean.max(axis=1), kind="stable")[: int(0.75 * len(votes))]
    assert row["reject_gain_25_least_confidence"] == pytest.approx(
        right[order].mean() - right.mean()
    )
    assert row["intervals"] == {}


def test_twins_are_left_out_of_the_second_figures(ferplus_runs, small_ferplus):
    rows = json.loads((ferplus_runs / "results.json").read_text(encoding="utf-8"))
    row = next(row for row in rows if row["split"] == "publictest")
    # Row 90 shows the image of row 5, which is in Training.
    assert row["n_without_twins"] == row["n"] - 1
    kept = {name.removesuffix("_without_twins") for name in row if name.endswith("_without_twins")}
    # U1 to U13 of the paper.
    assert kept >= {
        *(f"{kind}_{part}" for kind in ("pearson", "pearson_js", "brier") for part in PARTS),
        *(f"accuracy_kept_{part}" for part in PARTS),
        "js_distance", "js_distance_sd", "js_divergence", "accuracy_9", "accuracy_8",
        "reject_gain_25",
    }  # fmt: skip


def test_intervals_hold_what_they_are_about(ferplus_runs):
    rows = json.loads((ferplus_runs / "results.json").read_text(encoding="utf-8"))
    row = next(r for r in rows if r["split"] == "publictest" and r["passes"] == 4)
    assert row["intervals"].keys() >= {
        "js_distance", "js_divergence", "accuracy_9", "accuracy_8", "cross_entropy",
        "spearman_aleatoric", "pearson_js_total", "pearson_entropy_epistemic", "reject_gain_25",
        "reject_gain_25_least_confidence",
        "pearson_js_divergence_total", "accuracy_kept_epistemic", "js_distance_kept_total",
    }  # fmt: skip
    for name, (low, high) in row["intervals"].items():
        assert low <= row[name] <= high, name


def test_votes_drawn_from_the_forecast_give_the_null(small_ferplus):
    rng = np.random.default_rng(0)
    crowds = rng.dirichlet(np.full(3, 0.6), size=4000)
    forecast = Predictive(crowds[None])
    summary = forecast.summarise()
    doubts = {**doubts_of(forecast, summary), "scale": rng.random(4000)}
    found = nulls(doubts, summary, np.full(4000, 10), redraws=4)
    votes = rng.multinomial(10, summary.probabilities)
    d = 1 - np.square(votes / 10).sum(axis=1)
    assert found["pearson_total_null"] == pytest.approx(
        np.corrcoef(summary.total, d)[0, 1], abs=0.02
    )
    distance = jensenshannon(votes / 10, crowds, axis=1)
    assert found["pearson_js_total_null"] == pytest.approx(
        np.corrcoef(summary.total, distance)[0, 1], abs=0.06
    )
    assert found["pearson_scale_null"] == pytest.approx(0, abs=0.05)
    assert found["brier_null_total"] > 0.95
    assert 0 < found["ece_votes_null"] < 0.02
    assert found["pearson_epistemic_null"] is None
    assert set(nulls(doubts, summary, np.full(4000, 10), redraws=0).values()) == {None}


def test_the_average_of_equals_is_that_of_their_passes(ferplus_folder, small_ferplus):
    members = [ferplus_folder / f"corrected-uncnet-{seed}" for seed in (0, 1)]
    average = average_of_equals(members, ferplus_folder)
    assert average.name == "corrected-uncnet-0-average-of-2"
    rows = evaluate_run(average, small_ferplus, resamples=0)
    assert {(row["method"], row["members"], row["seconds"]) for row in rows} == {
        ("uncnet_average", 2, 8.0)
    }
    name = "predictive-publictest.npz"
    one, other, together = (Predictive.load(path / name) for path in (*members, average))
    assert together.passes == 8
    assert not np.array_equal(one.ids, other.ids), "the members hold their rows in other orders"
    summary = together.summarise()
    for place, row in enumerate(together.ids):
        mean = [p.probabilities[:, list(p.ids).index(row)].mean(axis=0) for p in (one, other)]
        np.testing.assert_allclose(summary.probabilities[place], np.mean(mean, axis=0), atol=1e-6)
    once = next(row for row in rows if (row["split"], row["passes"]) == ("publictest", 0))
    assert once["pearson_epistemic"] is not None, "the two networks differ"
    assert average_of_equals(members, ferplus_folder) == average
    (members[1] / "history.csv").write_text("epoch,loss,seconds\n1,0.9,6.0\n", "utf-8")
    average_of_equals(members, ferplus_folder)  # a member was trained again, in another time
    again = evaluate_run(average, small_ferplus, resamples=0)
    assert {row["seconds"] for row in again} == {10.0}


def test_the_epoch_that_one_member_chose_is_not_the_averages(ferplus_folder, small_ferplus):
    members = [ferplus_folder / f"corrected-uncnet-{seed}" for seed in (0, 1)]
    for chosen, path in enumerate(members, start=1):
        parts = {"training": 60, "validation": 10, "chosen_epoch": chosen}
        (path / "parts.json").write_text(json.dumps(parts), "utf-8")
    rows = evaluate_run(average_of_equals(members, ferplus_folder), small_ferplus, resamples=0)
    assert {(row["training_images"], row["chosen_epoch"]) for row in rows} == {(60, None)}


def test_only_equals_are_averaged(ferplus_folder):
    uncnet = ferplus_folder / "corrected-uncnet-0"
    with pytest.raises(ValueError, match=r"two or more runs of different seeds\. Received: seeds"):
        average_of_equals([uncnet], ferplus_folder)
    other = ferplus_folder / "corrected-uncnet-1"
    config = json.loads((other / "config.json").read_text(encoding="utf-8"))
    config["config"]["epochs"] = 3
    (other / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ValueError, match=r"their seed alone.*corrected-uncnet-1.*epochs"):
        average_of_equals([uncnet, other], ferplus_folder)


def test_members_that_predicted_other_rows_are_refused(ferplus_folder):
    members = [ferplus_folder / f"corrected-uncnet-{seed}" for seed in (0, 1)]
    path = members[1] / "predictive-publictest.npz"
    predictive = Predictive.load(path)
    Predictive(predictive.probabilities[:, 1:], ids=predictive.ids[1:]).save(path)
    with pytest.raises(ValueError, match="must have predicted the same rows"):
        average_of_equals(members, ferplus_folder)


def test_a_recall_by_hand_and_a_class_that_nobody_has():
    forecast = np.array([[0.5, 0.2, 0.1, 0.2], [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])
    found = evaluate_labels(np.array([0, 2, 1]), forecast, ("a", "b", "c"))
    assert found["recall_8"] == {"a": 1.0, "b": 0.0, "c": 1.0}  # the fourth class is not asked
    assert found["accuracy_8"] == pytest.approx(2 / 3)
    none = evaluate_labels(np.array([0]), forecast[:1], ("a", "b", "c"))
    assert none["recall_8"]["b"] is None


def test_disagreement_is_predicted_over_passes_and_logits():
    probabilities = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    # Each pass is sure: two people with the same eyes never differ, though the mean is even.
    assert predicted_disagreement(Predictive(probabilities)) == pytest.approx([0.0])
    agreement = np.array([[0.7], [0.9]])
    drawn = Predictive(probabilities, draw_agreement=agreement)
    assert predicted_disagreement(drawn) == pytest.approx([0.2])


def test_all_votes_of_an_item_share_a_pass():
    probabilities = np.array([[[0.8, 0.2]], [[0.4, 0.6]]])
    expected = -np.log((0.8**2 * 0.2 + 0.4**2 * 0.6) / 2)
    found = vote_log_loss(Predictive(probabilities), np.array([[2, 1]]))
    assert found == pytest.approx([expected], rel=1e-6)


def test_logits_without_noise_give_the_votes_of_their_softmax():
    pytest.importorskip("keras")
    loc = np.log([[[0.7, 0.2, 0.1]]])
    votes = np.array([[5, 4, 1]])
    plain = Predictive(np.exp(loc))
    noiseless = Predictive(np.exp(loc), loc=loc, scale=np.full(loc.shape, 1e-4))
    assert vote_log_loss(noiseless, votes) == pytest.approx(vote_log_loss(plain, votes), rel=1e-4)
    noisy = np.full(loc.shape, 0.7)
    (once,) = vote_log_loss(Predictive(np.exp(loc), loc=loc, scale=noisy), votes)
    for passes, expected in ((2, [pytest.approx(once, rel=1e-5)]), (11, None)):
        arrays = (np.repeat(array, passes, axis=0) for array in (np.exp(loc), loc, noisy))
        found = vote_log_loss(Predictive(**dict(zip(NOISY, arrays, strict=True))), votes)
        assert found == expected


def test_a_forecast_of_the_votes_themselves_is_perfect_but_for_their_noise():
    rng = np.random.default_rng(0)
    votes = rng.multinomial(10, [0.5, 0.3, 0.2], size=60)
    found = evaluate_votes(Predictive((votes / 10)[None]), votes, resamples=0)
    assert found["js_distance"] == pytest.approx(0, abs=1e-4)
    assert found["pearson_predicted_disagreement"] == pytest.approx(1, abs=1e-6)
    assert found["accuracy_9"] == 1
    assert found["js_floor"] > 0.1


def test_predictions_of_another_part_are_refused(ferplus_folder, small_ferplus):
    path = ferplus_folder / "corrected-uncnet-0"
    Predictive(np.full((1, 5, 9), 1 / 9), ids=np.arange(5)).save(path / "predictive-publictest.npz")
    with pytest.raises(ValueError, match=r"publictest\.npz must predict rows of PublicTest"):
        evaluate_run(path, small_ferplus)


def test_predictions_of_a_part_of_the_test_rows_are_refused(ferplus_folder, small_ferplus):
    path = ferplus_folder / "corrected-uncnet-0"
    ids = small_ferplus.rows_of("PublicTest")[:50]
    Predictive(np.full((1, 50, 9), 1 / 9), ids=ids).save(path / "predictive-publictest.npz")
    with pytest.raises(ValueError, match="must cover the 119 rows that paper_nine_columns keeps"):
        evaluate_run(path, small_ferplus, resamples=0)


def test_a_run_without_predictions_is_refused(tmp_path, small_ferplus):
    config = {"method": "uncnet", "recipe": "corrected", "seed": 0}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"must hold predictive-<split>\.npz"):
        evaluate_run(tmp_path, small_ferplus)


def test_neighbours_are_found_by_angle_and_not_by_length():
    features = [[1.0, 0.0], [10.0, 0.1], [0.0, 1.0], [-1.0, 0.0]]
    found = feature_neighbours(features, [7, 8, 9, 10], pairs=1)
    assert found["images"] == 4
    ((first, second, angle),) = found["nearest"]
    assert (first, second) == (7, 8)
    assert angle == pytest.approx(np.arctan2(0.1, 10) / np.pi)
    assert found["farthest"] == [[7, 10, pytest.approx(1.0)]]


def test_identical_images_are_no_neighbours():
    features = [[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    found = feature_neighbours(features, range(4), pairs=1, groups=[0, 0, 1, 2])
    assert found["nearest"] == [[0, 2, pytest.approx(0.25)]]


def test_features_without_direction_are_refused():
    with pytest.raises(ValueError, match=r"must not be 0 in a whole row\. Received: row 4"):
        feature_neighbours([[1.0, 0.0], [0.0, 0.0]], [3, 4])


def test_a_network_that_ignores_its_input_sorts_nothing():
    rng = np.random.default_rng(0)
    forecast = np.tile(rng.dirichlet(np.ones(9)).astype(np.float32), (1, 60, 1))
    forecast[0, 7] = np.roll(forecast[0, 7], 1)
    forecast[0, 8, 0] += 1e-6  # rounding
    votes = rng.multinomial(10, rng.dirichlet(np.ones(9)), 60)
    row = evaluate_votes(Predictive(forecast), votes, resamples=20)
    for part in PARTS:
        assert row[f"brier_{part}"] is None
        assert row[f"accuracy_kept_{part}"] is None
        assert row.get(f"brier_null_{part}") is None
    for gain in ("reject_gain_25", "reject_gain_25_least_confidence"):
        assert row[gain] is None, "which of equals is refused is the order of a file"
        assert gain not in row["intervals"]
    assert 0 <= row["accuracy_9"] <= 1
