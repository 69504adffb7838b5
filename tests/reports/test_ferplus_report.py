"""The FER+ page from a folder of runs: what it says, and what it does without a file."""

import json
import re
import types

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from ferplus_evaluation import evaluate_run
from ferplus_paired import paired_tests
from ferplus_policies import HEADINGS, levels_without_images, scored
from ferplus_published import NUMBERS, number_of, published_section
from ferplus_report import write_ferplus_report
from ferplus_results import cell, longest, main_rows, results_section, shown_rows
from ferplus_sections import heads_section
from ferplus_shift import PROBES
from ferplus_shown import predictions_of
from hetero_unc.data import load_synthetic_faces
from hetero_unc.data.ferplus_protocols import paper_nine_columns
from hetero_unc.metrics import accuracy_at_coverage
from hetero_unc.predictive import Predictive
from hetero_unc.reports.refusal import refusal_section
from hetero_unc.reports.vote_bars import vote_tile
from hetero_unc.reports.voted_run import VotedRun

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def source(ferplus_report):
    return ferplus_report.read_text(encoding="utf-8")


@pytest.fixture
def rows(ferplus_runs):
    return json.loads((ferplus_runs / "results.json").read_text(encoding="utf-8"))


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_every_section_is_there_and_what_is_not_is_said(source):
    assert re.findall(r'<section id="([a-z]+)"', source) == [
        "paper",
        "results",
        "policies",
        "extremes",
        "percentiles",
        "theirs",
        "disagreement",
        "refusal",
        "people",
        "heads",
        "labels",
        "shift",
        "leak",
        "proxies",
        "twins",
        "sweeps",
        "edges",
        "neighbours",
        "making",
    ]
    assert re.findall("Left out: (.*?)<", source) == [
        "no two Gaussian heads here share their features."
    ]
    assert "a test &amp; nothing else" in source


def test_the_three_columns_are_means_of_the_rows(source, rows):
    table = re.findall(r"<tr.*?</tr>", source, flags=re.DOTALL)
    cells = next(text_of(row) for row in table if "r(aleatoric, disagreement)" in row).split()
    values = {
        recipe: np.mean(
            [
                row["pearson_aleatoric"]
                for row in main_rows(rows)
                if (row["recipe"], row["split"]) == (recipe, "publictest")
                and row["method"] in ("uncnet", "compact_votes")
                and row["passes"]
            ]
        )
        for recipe in ("published", "corrected", "end_to_end")
    }
    assert cells[2] == ".301"
    assert f"{values['published']:.3f}" in cells
    assert f"{values['corrected']:.3f}" in cells
    assert f"{values['end_to_end']:.3f}" in cells


def test_sweeps_stay_out_of_the_tables_of_the_recipes(rows):
    swept = [row for row in rows if row["endpoint"] == "Mixed_5a"]
    assert swept
    assert not any(row in main_rows(rows) for row in swept)


def test_trained_trunk_weights_go_before_random_ones(rows):
    trained = [{**row, "trunk": "casia"} for row in rows if row["recipe"] == "corrected"]
    random = [{**row, "trunk": "random"} for row in rows if row["recipe"] == "corrected"]
    found = main_rows([*random, *trained, *(r for r in rows if r["recipe"] == "end_to_end")])
    assert {row["trunk"] for row in found} == {"casia", None}


def test_the_trunk_of_the_papers_networks_is_named(rows):
    trained = [{**row, "trunk": "casia"} for row in rows if row["recipe"] == "corrected"]
    about = published_section(trained, "publictest").blocks[0].text
    assert about.endswith("The trunk of the paper's networks here: casia.")


def test_the_longest_training_stands_for_a_method(rows):
    longer = [{**row, "epochs": 9} for row in rows]
    assert longest([*rows, *longer]) == longer


def test_ours_is_shown_first_and_the_baseline_without_passes(rows):
    shown = shown_rows(main_rows(rows), "publictest")
    assert [(row["method"], row["recipe"], row["passes"] > 0) for row in shown] == [
        ("compact_votes", "end_to_end", True),
        ("uncnet", "corrected", True),
        ("baseline", "corrected", False),
    ]


def test_a_number_that_is_not_there_is_a_dash(rows):
    assert number_of(rows, NUMBERS[0], ("no such recipe", "uncnet")) == "–"


def test_one_run_has_an_interval_and_several_a_spread():
    one = {"js_distance": 0.25, "intervals": {"js_distance": [0.2, 0.31]}}
    assert cell([one], "js_distance", 2, 1) == "0.25 [0.20, 0.31]"
    assert cell([one, {"js_distance": 0.35}], "js_distance", 3, 1) == "0.300 ± 0.071"
    assert cell([], "js_distance", 3, 1) == "–"


def test_epochs_are_those_that_were_chosen(rows):
    uncnet = [row for row in main_rows(rows) if row["method"] == "uncnet" and row["passes"]]
    chosen = [{**row, "epochs": 400, "chosen_epoch": 60 + 5 * row["seed"]} for row in uncnet]
    table = results_section(chosen).blocks[1]
    epochs = {row[0]: row[1] for row in table.rows}
    assert epochs == {"UncNet (published)": "60 of 400", "UncNet (corrected)": "60 to 65 of 400"}
    assert {row[1] for row in results_section(uncnet).blocks[1].rows} == {"2"}


def test_columns_that_are_not_there_are_named(ferplus_runs, small_ferplus, ferplus_folder):
    path = ferplus_folder / "results.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([r for r in rows if r["recipe"] != "published"]), encoding="utf-8")
    source = write_ferplus_report(ferplus_folder, small_ferplus).read_text("utf-8")
    assert "Not in this folder: their recipe here." in text_of(source)


def test_paired_tests_are_scipys_on_all_images_and_on_the_kept(ferplus_runs, small_ferplus, rows):
    found = dict(paired_tests(ferplus_runs, small_ferplus, main_rows(rows)))
    words = "Baseline (corrected), dropout off − UncNet (corrected), passes"
    kept = [f"{words}, of the 75 % by {part}" for part in ("aleatoric", "epistemic", "total")]
    assert {words, f"{words}, divergence", *kept} <= found.keys()
    assert {found[name].degrees_of_freedom for name in kept} == {int(0.75 * 119) - 1}
    forecasts = [
        predictions_of(ferplus_runs, row, small_ferplus)
        for row in shown_rows(main_rows(rows), "publictest")[:0:-1]
    ]
    votes = forecasts[0][1].votes
    distances = [
        jensenshannon(votes / votes.sum(axis=1, keepdims=True), one.probabilities.mean(0), axis=1)
        for one, _ in forecasts
    ]
    expected = stats.ttest_rel(*distances)
    assert found[words].t == pytest.approx(expected.statistic, rel=1e-5)
    assert found[words].p_value == pytest.approx(expected.pvalue, rel=1e-4)
    squares = stats.ttest_rel(*np.square(distances))
    assert found[f"{words}, divergence"].t == pytest.approx(squares.statistic, rel=1e-5)


def test_a_rule_is_scored_by_the_votes_and_the_label_that_it_gives():
    passes = np.array([[[0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.9, 0.1]]])
    votes = np.array([[8, 2], [1, 9], [5, 5], [10, 0]])
    found = dict(
        zip(HEADINGS, scored(Predictive(passes), votes, np.array([0, 1, 0, 0])), strict=True)
    )
    assert found["images"] == "4"
    assert found["accuracy"] == "75.0\N{NO-BREAK SPACE}%"
    assert found["ties fractional"] == "87.5\N{NO-BREAK SPACE}%"
    distance = jensenshannon(votes / 10, passes[0], axis=1).mean()
    assert found["JS distance"] == f"{distance:.3f}"
    assert found["gain at 25 %, points"] == "+25.0"  # the third, which is the most doubtful
    assert found["r epistemic"] == "–"


@pytest.mark.real_data
def test_levels_that_need_no_image_are_those_computed_before(real_ferplus):
    nine = paper_nine_columns(real_ferplus)
    training, tested = (
        nine.among(real_ferplus.rows_of(usage)).votes for usage in ("Training", "PublicTest")
    )
    prior, own = levels_without_images(training, tested).values()
    assert prior["accuracy"] == pytest.approx(0.373, abs=6e-4)
    assert prior["js_distance"] == pytest.approx(0.565, abs=6e-4)
    assert prior["js_distance_sd"] == pytest.approx(0.081, abs=6e-4)
    assert prior["js_divergence"] == pytest.approx(0.326, abs=6e-4)
    assert prior["cross_entropy"] == pytest.approx(1.814, abs=6e-4)
    assert prior["brier"] == pytest.approx(0.798, abs=6e-4)
    assert own["cross_entropy"] == pytest.approx(0.561, abs=6e-4)
    assert own["brier"] == pytest.approx(0.317, abs=6e-4)


def test_published_numbers_are_those_of_the_paper():
    published = [number.published for number in NUMBERS]
    for value in (".301", "−.027", ".473", ".131", ".461", ".140", ".583", ".100", ".591"):
        assert value in published
    assert {".880", ".710", ".884"} <= set(published)


def test_the_same_files_give_the_same_page(source, ferplus_folder, small_ferplus):
    again = write_ferplus_report(ferplus_folder, small_ferplus)
    assert again.read_text(encoding="utf-8") == source


def test_evidence_that_is_not_there_is_said(ferplus_folder, small_ferplus):
    (ferplus_folder / "leak_test.json").write_text("{}", encoding="utf-8")
    for name in ("shift.json", "neighbours.json"):
        (ferplus_folder / "end_to_end-compact_votes-0" / name).unlink()
    text = text_of(write_ferplus_report(ferplus_folder, small_ferplus).read_text("utf-8"))
    for name in ("shift.json", "neighbours.json"):
        assert f"Left out: {name} is not in this folder." in text
    assert "Left out: leak_test.json is empty." in text


def test_a_folder_without_results_on_the_test_part_is_refused(ferplus_folder, small_ferplus):
    (ferplus_folder / "results.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match="must hold results on PublicTest"):
        write_ferplus_report(ferplus_folder, small_ferplus)
    assert not (ferplus_folder / "report.html").exists()


def test_a_row_without_its_run_is_refused_by_name(ferplus_folder, small_ferplus):
    (ferplus_folder / "end_to_end-compact_votes-0" / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="without compact_votes, recipe end_to_end"):
        write_ferplus_report(ferplus_folder, small_ferplus)


def test_a_damaged_prediction_is_refused_by_name(ferplus_folder, small_ferplus):
    path = ferplus_folder / "end_to_end-compact_votes-0" / "predictive-publictest.npz"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"publictest\.npz is not a whole predictive file"):
        write_ferplus_report(ferplus_folder, small_ferplus)
    assert not (ferplus_folder / "report.html").exists()


def test_altered_images_are_tried_at_every_level(ferplus_runs):
    path = ferplus_runs / "end_to_end-compact_votes-0" / "shift.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["probes"].keys() == PROBES.keys()
    for probe in found["probes"].values():
        assert {len(values) for values in probe.values()} == {6}
        assert probe["auroc_total"][0] == 0.5
    assert found["other"]["noise"]["accuracy"] is None


def test_heads_are_compared_by_the_votes_of_each_image():
    kept = types.SimpleNamespace(votes=np.array([[2, 1], [0, 3], [3, 0]]))
    right, even = [[0.7, 0.3], [0.1, 0.9], [0.9, 0.1]], [[0.5, 0.5]] * 3
    numbers = {"seed": 0, "mean_scale": 1.0, "pearson_predicted_disagreement": None}
    numbers |= {"split": "publictest", "n": 3, "protocol": "paper_nine_columns"}
    numbers |= {"pearson_aleatoric": 0.5, "js_distance": 0.2}
    heads = [
        ({"method": method, **numbers}, Predictive(np.array([forecast])), kept)
        for method, forecast in (("gaussian_votes", right), ("aleatoric", even))
    ]
    table = heads_section({"corrected": heads}).blocks[1]
    best = -(2 * np.log(0.7) + np.log(0.3) + 6 * np.log(0.9)) / 3
    votes, even = table.rows
    assert votes[1:4] == (f"{best:.3f}", "–", "1.000")
    assert even[1] == f"{3 * np.log(2):.3f}"
    assert even[2].startswith(f"{3 * np.log(2) - best:.3f} [")
    assert even[4] == "–"


def test_gains_by_refusal_stand_with_intervals_and_with_their_difference():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(3, 0.5), size=(2, 400))
    votes = rng.multinomial(10, shares[0])
    runs = [
        VotedRun(
            name=name,
            summary=Predictive(forecast[None]).summarise(),
            predicted_disagreement=np.zeros(400),
            votes=votes,
            images=np.zeros((400, 4, 4, 1), np.uint8),
            class_names=("a", "b", "c"),
        )
        for name, forecast in (("knowing", shares[0]), ("guessing", shares[1]))
    ]
    table = refusal_section(runs).blocks[2]
    rows = {row[:2]: row for row in table.rows}
    gains = []
    for doubt in (runs[0].summary.total, runs[1].summary.total):
        found = accuracy_at_coverage(votes.argmax(axis=1), shares[0], doubt)
        gains.append(100 * found.gain)
    own, other = rows["knowing", "own total"], rows["knowing", "that of guessing"]
    for (points, low, high), gain in zip(map(with_ends, (own[4], other[4])), gains, strict=True):
        assert points == pytest.approx(gain, abs=0.06)
        assert low < gain < high
    less, low, high = with_ends(other[6])
    assert less == pytest.approx(gains[0] - gains[1], abs=0.11)
    assert 0 < low < less < high, "the network that knows the votes is the better judge"
    random = rows["knowing", "at random"]
    ends = [100 * end for end in (found.random_low, found.random_high)]
    assert list(with_ends(random[4])) == pytest.approx([0, *ends], abs=0.06)
    assert own[6] == random[6] == "–"


def with_ends(text):
    """ "+5.0 [4.0, 6.0]" as three numbers."""
    return map(float, re.fullmatch(r"(\S+) \[(\S+), (\S+)\]", text).groups())


def test_a_tile_says_the_votes_and_draws_them():
    run = VotedRun(
        "a network",
        Predictive(np.array([[[0.2, 0.3, 0.5]]]), ids=[17]).summarise(),
        np.array([0.4]),
        votes=np.array([[6, 4, 0]]),
        images=np.zeros((1, 4, 4, 1), np.uint8),
        class_names=("sad", "<glad>", "mad"),
    )
    tile = vote_tile(run, 0, "U_a 0.1")
    assert tile.alt == (
        "Row 17. Votes: sad 60\N{NO-BREAK SPACE}% and <glad> 40\N{NO-BREAK SPACE}%. "
        "The network reads mad."
    )
    assert tile.marked  # nobody voted for it
    assert [(bar.share, round(bar.forecast, 3)) for bar in tile.bars] == [
        (0.6, 0.2),
        (0.4, 0.3),
        (0.0, 0.5),
    ]


def test_drawn_faces_are_named_in_the_title_and_held_against_the_truth(tmp_path):
    faces = load_synthetic_faces(items=300)
    path = tmp_path / "uncnet"
    path.mkdir()
    config = {"method": "uncnet", "recipe": "corrected", "seed": 0, "epochs": 1}
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    rows = faces.rows_of("PublicTest")
    # A network that knows the truth, but for a little noise.
    shares = faces.true_shares[rows] + 0.01
    noise = np.random.default_rng(0).gamma(5000, size=(3, *shares.shape))
    passes = shares * noise / (shares * noise).sum(axis=2, keepdims=True)
    Predictive(passes, ids=rows).save(path / "predictive-publictest.npz")
    found = evaluate_run(path, faces, resamples=10)
    (tmp_path / "results.json").write_text(json.dumps(found), encoding="utf-8")
    source = write_ferplus_report(tmp_path, faces).read_text(encoding="utf-8")
    assert "(drawn faces, not FER+)" in re.search("<title>(.*)</title>", source)[1]
    table = source[source.index('id="truth"') :]
    cells = re.findall(r"<td>(.*?)</td>", table[: table.index("</table>")])
    assert float(cells[0]) > 0.95
    assert float(cells[1]) > 0.95
