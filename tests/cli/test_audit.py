"""`hetero-unc audit` and `compare`: files in, files out, exit codes, no framework."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from hetero_unc.cli import main

NAMES = ("cat", "<b>dog</b>", "=cow")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Predictions of a good and a worse model, the second in another order of items and classes."""
    folder = tmp_path_factory.mktemp("audit")
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (240, 3)) + rng.normal(0, 0.3, (3, 240, 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    votes = rng.multinomial(5, probabilities.mean(axis=0))
    ids = np.array([f"img/{index}.png" for index in range(240)])
    np.savez(folder / "good.npz", probabilities=probabilities, ids=ids, classes=np.array(NAMES))
    np.savez(
        folder / "worse.npz",
        probabilities=((probabilities + 1 / 3) / 2)[:, ::-1, ::-1],
        ids=ids[::-1],
        classes=np.array(NAMES[::-1]),
    )
    with open(folder / "votes.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *NAMES, "group_camera"])
        for index, row in enumerate(votes):
            writer.writerow([ids[index], *row, "ab"[index % 2]])
    return folder


def run(*arguments):
    return main([*map(str, arguments), "--resamples", "50"])


def test_audit_writes_its_files(files, tmp_path, capsys):
    votes = ("--votes", files / "votes.csv")
    assert run("audit", files / "good.npz", *votes, "--out", tmp_path) == 0
    numbers = json.loads((tmp_path / "audit.json").read_text())
    assert numbers["inputs"]["predictions"] == "good.npz"
    assert (numbers["inputs"]["items"], numbers["inputs"]["votes"]) == (240, "votes.csv")
    assert numbers["inputs"]["votes_total"] == 5 * 240
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert numbers["first_screen"]["headline"].split(".")[0][:40] in page
    assert "<b>dog</b>" not in page  # the name of a class is text
    with open(tmp_path / "routing.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 240
    assert rows[0]["id"] == "img/0.png"
    counts = {row["route"]: row["count"] for row in numbers["routing"]["routes"]}
    assert sum(row["action"] == "accept" for row in rows) == counts["accept"]
    assert rows[0]["group_camera"] == "a"
    # A spreadsheet must not run the name of a class.
    assert {row["predicted"] for row in rows} == {"cat", "<b>dog</b>", "'=cow"}
    assert numbers["first_screen"]["headline"].split()[0] in capsys.readouterr().out


def test_a_condition_decides_the_exit_code(files, tmp_path, capsys):
    arguments = ("audit", files / "good.npz", "--votes", files / "votes.csv", "--out", tmp_path)
    assert run(*arguments, "--fail-if", "accuracy>0.1", "--fail-if", "accuracy>2") == 1
    assert "Failed: accuracy>0.1" in capsys.readouterr().out
    assert run(*arguments, "--fail-if", "accuracy<0.1") == 0
    assert run(*arguments, "--fail-if", "acuracy<0.1") == 2
    assert "must name one of accuracy, " in capsys.readouterr().err


def test_settings_out_of_range_are_one_line(files, tmp_path, capsys):
    arguments = ("audit", files / "good.npz", "--votes", files / "votes.csv", "--out", tmp_path)
    assert run(*arguments, "--target-risk", "5") == 2
    error = capsys.readouterr().err
    assert "`target_risk` must lie in (0, 1)" in error
    assert error.count("\n") == 1


def test_compare_matches_items_and_classes_and_names_the_better(files, tmp_path, capsys):
    out = tmp_path / "comparison.json"
    arguments = (files / "good.npz", files / "worse.npz", "--votes", files / "votes.csv")
    assert run("compare", *arguments, "--json", out, "--fail-if", "worse") == 0
    result = json.loads(out.read_text())
    assert result["same_prediction"] == 1.0  # the worse is the good one, blurred
    verdicts = {row["name"]: row["verdict"] for row in result["rows"]}
    assert verdicts["accuracy"] == "tie"
    assert verdicts["log_loss_votes"] == "first"
    assert "A is better in" in capsys.readouterr().out
    swapped = (files / "worse.npz", files / "good.npz", "--votes", files / "votes.csv")
    assert run("compare", *swapped, "--fail-if", "worse") == 1


def test_compare_says_that_it_is_the_second_file_that_has_other_classes(files, tmp_path, capsys):
    arrays = dict(np.load(files / "good.npz"))
    arrays["classes"] = np.array(["cat", "<b>dog</b>", "horse"])
    other = tmp_path / "other.npz"
    np.savez(other, **arrays)
    assert run("compare", files / "good.npz", other, "--votes", files / "votes.csv") == 2
    assert f"B, {other}: " in capsys.readouterr().err


def test_a_tie_is_said_out_loud(files, capsys):
    arguments = (files / "good.npz", files / "good.npz", "--votes", files / "votes.csv")
    assert run("compare", *arguments) == 0
    assert "A tie: no figure tells the two apart" in capsys.readouterr().out
    assert run("compare", *arguments, "--fail-if", "not-better") == 1


def test_audit_loads_no_framework(files, tmp_path):
    code = (
        "import sys; from hetero_unc.cli import main\n"
        f"main(['audit', {str(files / 'good.npz')!r}, '--votes', {str(files / 'votes.csv')!r}, "
        f"'--out', {str(tmp_path)!r}, '--resamples', '10'])\n"
        "print([name for name in ('tensorflow', 'keras', 'jax', 'torch') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"
