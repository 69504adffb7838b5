"""The FER+ page from a folder of runs: what it says, and what it does without a file."""

import json
import re
import types

import numpy as np
import pytest

from ferplus_evaluation import evaluate_run
from ferplus_published import NUMBERS, number_of
from ferplus_report import write_ferplus_report
from ferplus_results import longest, main_rows, shown_rows
from ferplus_sections import heads_section
from ferplus_shift import PROBES
from hetero_unc.data import load_synthetic_faces
from hetero_unc.predictive import Predictive
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
        "extremes",
        "percentiles",
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
    assert number_of(rows, NUMBERS[0], "no such recipe", "publictest") == "–"


def test_published_numbers_are_those_of_the_paper():
    published = [number.published for number in NUMBERS]
    for value in (".301", "−.027", ".473", ".131", ".461", ".140", ".583", ".100", ".591"):
        assert value in published
    assert {".880", ".710", ".884"} <= set(published)


def test_the_same_files_give_the_same_page(source, ferplus_folder, small_ferplus):
    again = write_ferplus_report(ferplus_folder, small_ferplus)
    assert again.read_text(encoding="utf-8") == source


def test_evidence_that_is_not_there_is_said(ferplus_folder, small_ferplus):
    for name in ("shift.json", "neighbours.json", "leak_test.json"):
        (ferplus_folder / name).unlink()
    text = text_of(write_ferplus_report(ferplus_folder, small_ferplus).read_text("utf-8"))
    for name in ("shift.json", "neighbours.json", "leak_test.json"):
        assert f"Left out: {name} is not in this folder." in text


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
    found = json.loads((ferplus_runs / "shift.json").read_text(encoding="utf-8"))
    assert found["probes"].keys() == PROBES.keys()
    for probe in found["probes"].values():
        assert {len(values) for values in probe.values()} == {6}
        assert probe["auroc_total"][0] == 0.5
    assert found["other"]["noise"]["accuracy"] is None


def test_heads_are_compared_by_the_votes_of_each_image():
    kept = types.SimpleNamespace(votes=np.array([[2, 1], [0, 3], [3, 0]]))
    right, even = [[0.7, 0.3], [0.1, 0.9], [0.9, 0.1]], [[0.5, 0.5]] * 3
    numbers = {"seed": 0, "mean_scale": 1.0, "pearson_predicted_disagreement": None}
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
