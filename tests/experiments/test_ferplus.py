"""`make ferplus` as a process on drawn faces: it ends in a page, resumes, and refuses bad input."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ferplus_paper
import ferplus_views

ROOT = Path(__file__).parents[2]
# What a row of experiments/results/ferplus.json holds at least.
FIELDS = {
    "method", "recipe", "protocol", "split", "seed", "n", "accuracy_8", "accuracy_9", "js_distance",
    "js_divergence", "pearson_aleatoric", "spearman_aleatoric", "pearson_predicted_disagreement",
    "pearson_epistemic", "noise_ceiling", "reject_gain_25", "ece_votes", "seconds", "machine",
}  # fmt: skip


def run(*options, **variables):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, "experiments/ferplus.py", *map(str, options)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("ferplus")
    done = run("--preset", "smoke", "--without-trunk", "--out", out)
    assert done.returncode == 0, done.stderr
    return out, done


@pytest.mark.end_to_end
def test_smoke_ends_in_a_page_and_a_row_for_each_split_with_and_without_passes(finished):
    out, done = finished
    rows = json.loads((out / "results.json").read_text())
    for row in rows:
        assert row.keys() >= FIELDS
    votes = [row for row in rows if row["method"] == "compact_votes"]
    assert {(row["split"], row["passes"], row["seed"]) for row in votes} == {
        (split, passes, seed)
        for split in ("validation", "publictest", "privatetest")
        for passes in (0, 3)
        for seed in (0, 1)
    }
    assert {row["method"] for row in rows} == {
        "compact_votes", "compact_balanced", "compact_hard_labels", "gaussian_votes",
        "gaussian_marginal", "aleatoric", "compact_votes_average",
    }  # fmt: skip
    assert "Report:" in done.stdout
    assert (out / "report.html").stat().st_size > 100_000


@pytest.mark.end_to_end
def test_a_finished_folder_is_read_and_gives_the_same_rows(finished):
    out, _ = finished
    before = (out / "results.json").read_bytes()
    again = run("--preset", "smoke", "--without-trunk", "--out", out)
    assert again.returncode == 0, again.stderr
    assert (out / "results.json").read_bytes() == before
    assert "Epoch" not in again.stdout


@pytest.mark.end_to_end
def test_balanced_predictions_are_the_others_over_the_prior(finished):
    out, _ = finished
    plain = np.load(next(out.glob("*compact_votes*seed0/predictive-publictest.npz")))
    even = np.load(next(out.glob("*compact_balanced*seed0/predictive-publictest.npz")))
    ratio = plain["probabilities"].astype(float) / even["probabilities"]
    # What is left of p / q, up to a factor an item, is one prior for all items and passes.
    ratio /= ratio[..., :1]
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:1, :1], ratio.shape), rtol=1e-3)


@pytest.mark.end_to_end
def test_the_page_alone_has_the_finished_runs_of_every_command_and_trains_nothing(
    finished, tmp_path
):
    out = tmp_path / "out"
    shutil.copytree(finished[0], out)
    before = {row["method"] for row in json.loads((out / "results.json").read_text())}
    ferplus_paper.main(["--preset", "smoke", "--out", str(out)])
    (
        out / "synthetic-uncnet-corrected-3epochs-seed0" / "parts.json"
    ).unlink()  # as if it was stopped
    written = {path: path.stat().st_mtime_ns for path in out.rglob("predictive-*.npz")}
    done = run("--preset", "smoke", "--page", "--out", out)
    assert done.returncode == 0, done.stderr
    methods = {row["method"] for row in json.loads((out / "results.json").read_text())}
    assert methods - before == {"both", "baseline"}, "the stopped one is not among them"
    assert {path: path.stat().st_mtime_ns for path in out.rglob("predictive-*.npz")} == written
    assert "Aleatoric head with passes" in (out / "report.html").read_text()


def test_a_page_of_nothing_is_refused(tmp_path):
    done = run("--preset", "smoke", "--page", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "`--page` needs a finished run on these data" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.end_to_end
def test_the_comparison_of_views_finds_for_the_networks_own_views_what_it_predicted(finished):
    out, _ = finished
    folder = next(out.glob("*compact_votes*seed0"))
    ferplus_views.main([str(folder), "--faces", "300"])
    found = json.loads((folder / "views.json").read_text())
    own = {row["views"]: row for row in found["rows"]}["mirror, turned 6 degrees"]
    rows = json.loads((out / "results.json").read_text())
    [row] = [
        row
        for row in rows
        if (row["method"], row["seed"], row["split"], row["passes"])
        == ("compact_votes", 0, "validation", 0)
    ]
    assert found["n"] == row["n"]
    assert own["times"] == 6
    assert own["js_distance"] == pytest.approx(row["js_distance"], abs=1e-4)
    assert own["pearson_predicted_disagreement"] == pytest.approx(
        row["pearson_predicted_disagreement"], abs=1e-3
    )


def test_drawn_faces_do_not_replace_the_page_of_ferplus(tmp_path):
    (tmp_path / "results.json").write_text('[{"dataset": "ferplus"}]')
    done = run("--preset", "smoke", "--out", tmp_path)
    assert done.returncode == 1
    assert "`--out` must not hold results on FER+ when faces are drawn" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_weights_that_are_none_are_refused_before_any_training(tmp_path):
    done = run(
        "--preset", "smoke", "--weights", tmp_path / "trunk.npz", "--out", tmp_path / "out"
    )  # fmt: skip
    assert done.returncode == 1
    assert "trunk.npz" in done.stderr
    assert "Epoch" not in done.stdout
    assert not (tmp_path / "out").exists()


def test_a_folder_without_the_files_is_named(tmp_path):
    done = run("--data-dir", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr
    assert "fer2013.csv" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
