"""The command of README as a process: it ends in a page, survives a kill, refuses bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("config.json", "model.keras", "history.csv", "predictive.npz", "metrics.json")
FIELDS = {
    "method", "recipe", "estimator", "passes", "dataset", "seed", "accuracy", "nll", "brier", "ece",
    "aurc", "auroc_ood", "mean_scale", "epochs", "seconds",
}  # fmt: skip


def command(out, *options):
    return [sys.executable, "experiments/mnist.py", "--preset", "smoke", "--out", out, *options]


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run(out, *options):
    return subprocess.run(
        command(out, *options), cwd=ROOT, env=environment(), capture_output=True, text=True
    )


def without_times(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("mnist")
    done = run(out, "--digits")
    assert done.returncode == 0, done.stderr
    return out, done


@pytest.mark.slow
def test_smoke_ends_in_rows_for_each_method_with_and_without_passes(finished):
    out, _ = finished
    rows = json.loads((out / "results.json").read_text())
    assert [(row["method"], row["passes"]) for row in rows] == [
        (method, passes)
        for method in ("softmax", "expected_cross_entropy", "marginal_likelihood")
        for passes in (0, 5)
    ]
    for row in rows:
        assert row.keys() >= FIELDS
        assert row["dataset"] == "digits"
        assert 0 <= row["accuracy"] <= 1
        assert (row["mean_scale"] is None) == (row["method"] == "softmax")


@pytest.mark.slow
def test_smoke_leaves_whole_run_folders_and_a_page(finished):
    out, done = finished
    folders = [path for path in out.iterdir() if path.is_dir()]
    assert len(folders) == 3
    assert all((folder / part).exists() for folder in folders for part in PARTS)
    assert not [path for path in out.rglob(".*") if path.is_file()], "nothing half-written"
    page = (out / "report.html").read_text()
    assert "digits" in page.split("<title>")[1].split("</title>")[0]
    assert str(out / "report.html") in done.stdout


@pytest.mark.slow
def test_tensorflow_starts_in_silence_and_the_data_is_announced(finished):
    _, done = finished
    assert "oneDNN" not in done.stderr
    assert "cuda" not in done.stderr.lower()


@pytest.mark.slow
def test_a_killed_command_ends_with_the_numbers_of_an_uninterrupted_one(finished, tmp_path):
    process = subprocess.Popen(
        command(tmp_path, "--digits"), cwd=ROOT, env=environment(), stdout=-3, stderr=-3
    )
    try:
        while not list(tmp_path.glob("*expected*/checkpoint/epoch-*.npz")):
            assert process.poll() is None, "ended before it could be killed"
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "report.html").exists()
    done = run(tmp_path, "--digits")
    assert done.returncode == 0, done.stderr
    expected = json.loads((finished[0] / "results.json").read_text())
    found = json.loads((tmp_path / "results.json").read_text())
    assert without_times(found) == without_times(expected)
    for before in finished[0].glob("*/history.csv"):
        after = tmp_path / before.parent.name / before.name
        columns = np.genfromtxt(before, delimiter=",", names=True)
        again = np.genfromtxt(after, delimiter=",", names=True)
        assert columns.dtype.names == again.dtype.names
        for name in set(columns.dtype.names) - {"seconds"}:
            np.testing.assert_array_equal(again[name], columns[name], err_msg=name)


@pytest.mark.slow
def test_a_folder_without_the_files_is_refused_in_one_line(tmp_path):
    done = run(tmp_path / "out", "--data-dir", tmp_path)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert str(tmp_path) in done.stderr
    assert not (tmp_path / "out").exists()
