"""`hetero-unc evaluate`: right numbers from good files, one clear line from bad ones."""

import json

import numpy as np
import pytest

from hetero_unc.cli import main
from hetero_unc.cli.evaluate import read_labels
from hetero_unc.predictive import Predictive

# Two passes, four items, three classes. The means are .8 .1 .1, .1 .8 .1, .2 .5 .3 and .1 .1 .8.
FIRST = [[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.1, 0.6, 0.3], [0.1, 0.1, 0.8]]
SECOND = [[0.7, 0.15, 0.15], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.1, 0.1, 0.8]]
LABELS = [0, 1, 2, 2]  # the third is wrong


@pytest.fixture
def predictive_file(tmp_path):
    path = tmp_path / "predictive.npz"
    Predictive(np.array([FIRST, SECOND])).save(path)
    return path


def labels_file(folder, labels, name="labels.npy"):
    np.save(folder / name, labels)
    return folder / name


def evaluate(*arguments):
    return main(["evaluate", *map(str, arguments)])


def test_numbers_are_those_of_hand(predictive_file, tmp_path, capsys):
    out = tmp_path / "results.json"
    labels = labels_file(tmp_path, LABELS)
    assert evaluate(predictive_file, "--labels", labels, "--json", out) == 0
    results = json.loads(out.read_text())
    assert (results["items"], results["classes"], results["passes"]) == (4, 3, 2)
    assert results["accuracy"] == 0.75
    assert results["log_loss"] == pytest.approx(-np.log([0.8, 0.8, 0.3, 0.8]).mean(), rel=1e-6)
    assert results["brier_score"] == pytest.approx((3 * 0.06 + 0.04 + 0.25 + 0.49) / 4, rel=1e-6)
    assert results["error_detection_auroc"] == 1.0  # the one error has the largest entropy
    assert results["excess_area_under_risk_coverage_curve"] == pytest.approx(0.0)
    assert results["area_under_risk_coverage_curve"] == pytest.approx(1 / 16)
    total, aleatoric, epistemic = (
        results[f"mean_{part}_uncertainty"] for part in ("total", "aleatoric", "epistemic")
    )
    assert total == pytest.approx(aleatoric + epistemic)
    assert epistemic > 0
    printed = capsys.readouterr().out
    assert "0.75000" in printed
    assert "error detection auroc" in printed


def test_without_errors_there_is_no_auroc(predictive_file, tmp_path, capsys):
    out = tmp_path / "results.json"
    labels = labels_file(tmp_path, [0, 1, 1, 2])
    assert evaluate(predictive_file, "--labels", labels, "--json", out) == 0
    assert json.loads(out.read_text())["error_detection_auroc"] is None
    assert "needs at least one right and one wrong" in capsys.readouterr().out


def test_csv_labels_are_read_in_order_or_matched_by_id(tmp_path):
    in_order = tmp_path / "in_order.csv"
    in_order.write_text("label,note\n2,a\n0,b\n1,c\n")
    ids = np.array(["x", "y", "z"])
    np.testing.assert_array_equal(read_labels(in_order, ids), [2, 0, 1])
    by_id = tmp_path / "by_id.csv"
    by_id.write_text("id,label\nz,1\nx,2\ny,0\nextra,0\n")
    np.testing.assert_array_equal(read_labels(by_id, ids), [2, 0, 1])
    by_number = tmp_path / "by_number.csv"
    by_number.write_text("id,label\n1,5\n0,4\n")
    np.testing.assert_array_equal(read_labels(by_number, np.arange(2)), [4, 5])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2], "must have the same length. Received: len(y_true)=3, len(y_prob)=4"),
        ([0, 1, 2, 3], "must lie in [0, 3). Received: 1 of 4 outside, the first y_true[3]=3"),
        ([0.0, 1.0, 2.0, 2.0], "must be integers. Received: dtype=float64"),
        ([], "must not be empty"),
        (1, "must have shape (N,). Received: shape=()"),
    ],
)
def test_bad_labels_are_named(labels, message, predictive_file, tmp_path, capsys):
    assert evaluate(predictive_file, "--labels", labels_file(tmp_path, labels)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.txt", "0\n", "must be a .npy or a .csv file"),
        ("labels.npy", "no array", "labels.npy is not a whole .npy file"),
        ("labels.csv", "", "must have a column 'label'"),
        ("labels.csv", "class\n1\n", "Received: columns=['class']"),
        ("labels.csv", "label\n1\none\n", "line 3: a label must be an integer. Received: 'one'"),
        ("labels.csv", "id,label\n0\n", "line 2: a label must be an integer. Received: None"),
        ("labels.csv", "id,label\n0,1\n0,1\n", "line 3: every id must occur once"),
        ("labels.csv", "id,label\n0,1\n1,1\n", "none for 2 of 4 ids, the first 2"),
    ],
)
def test_bad_label_files_are_named(name, content, message, predictive_file, tmp_path, capsys):
    path = tmp_path / name
    path.write_text(content)
    assert evaluate(predictive_file, "--labels", path) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_pickled_labels_are_refused(predictive_file, tmp_path, capsys):
    path = tmp_path / "labels.npy"
    np.save(path, np.array([{"no": "code"}] * 4, dtype=object), allow_pickle=True)
    assert evaluate(predictive_file, "--labels", path) == 2
    assert "not a whole .npy file of numbers" in capsys.readouterr().err


@pytest.mark.parametrize("kept", [0, 30, 200])
def test_a_truncated_predictive_is_named(kept, predictive_file, tmp_path, capsys):
    predictive_file.write_bytes(predictive_file.read_bytes()[:kept])
    assert evaluate(predictive_file, "--labels", labels_file(tmp_path, LABELS)) == 2
    error = capsys.readouterr().err
    assert str(predictive_file) in error
    assert error.count("\n") == 1


def test_bins_below_one_are_refused(predictive_file, tmp_path, capsys):
    labels = labels_file(tmp_path, LABELS)
    assert evaluate(predictive_file, "--labels", labels, "--bins", 0) == 2
    assert "n_bins" in capsys.readouterr().err


def test_json_into_a_folder_that_cannot_be_is_one_line(predictive_file, tmp_path, capsys):
    labels = labels_file(tmp_path, LABELS)
    out = labels / "results.json"  # below a file
    assert evaluate(predictive_file, "--labels", labels, "--json", out) == 2
    error = capsys.readouterr().err
    assert "Cannot write" in error
    assert error.count("\n") == 1
