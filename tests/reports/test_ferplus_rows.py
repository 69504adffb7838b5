"""Rows that are kept beside a run are read, until what computes them has changed."""

import json

import pytest

import ferplus_rows
from ferplus_evaluation import evaluate_run
from ferplus_rows import Results, rows_of
from hetero_unc.predictive import Predictive


@pytest.fixture
def run_folder(ferplus_folder):
    return ferplus_folder / "corrected-uncnet-0"


@pytest.fixture(autouse=True)
def evaluated(monkeypatch):
    """Names of the runs that were evaluated, in order; the intervals are left out."""
    names = []

    def evaluate(folder, data):
        names.append(folder.name)
        return evaluate_run(folder, data, resamples=0)

    monkeypatch.setattr(ferplus_rows, "evaluate_run", evaluate)
    return names


def test_a_second_call_reads_what_the_first_has_found(run_folder, small_ferplus, evaluated):
    first = rows_of(run_folder, small_ferplus)
    assert {row["split"] for row in first} == {"validation", "publictest"}
    assert rows_of(run_folder, small_ferplus) == first
    assert evaluated == ["corrected-uncnet-0"]


def test_rows_of_other_code_are_found_anew(run_folder, small_ferplus, evaluated, monkeypatch):
    first = rows_of(run_folder, small_ferplus)
    monkeypatch.setattr(ferplus_rows, "digest_of_evaluation", lambda: "of later code")
    assert rows_of(run_folder, small_ferplus) == first
    kept = json.loads((run_folder / "metrics.json").read_text())
    assert kept["evaluation"].startswith("of later code ")
    assert len(evaluated) == 2


def test_rows_of_other_predictions_are_found_anew(run_folder, small_ferplus, evaluated):
    first = rows_of(run_folder, small_ferplus)
    path = run_folder / "predictive-publictest.npz"
    predictive = Predictive.load(path)
    Predictive(predictive.probabilities[:, :, ::-1], ids=predictive.ids).save(path)
    second = rows_of(run_folder, small_ferplus)
    assert len(evaluated) == 2
    assert [row["accuracy_9"] for row in first] != [row["accuracy_9"] for row in second]


def test_rows_from_before_there_was_a_digest_are_found_anew(run_folder, small_ferplus, evaluated):
    (run_folder / "metrics.json").write_text('[{"method": "uncnet", "accuracy_9": 0.99}]')
    rows = rows_of(run_folder, small_ferplus)
    assert len(rows) == 4
    assert 0.99 not in {row["accuracy_9"] for row in rows}
    assert len(evaluated) == 1


def test_the_digest_follows_the_source(tmp_path, monkeypatch):
    before = ferplus_rows.digest_of_evaluation.__wrapped__()
    for name in ("doubts", "evaluation", "measures"):
        source = (ferplus_rows.HERE / f"ferplus_{name}.py").read_bytes()
        (tmp_path / f"ferplus_{name}.py").write_bytes(source)
    monkeypatch.setattr(ferplus_rows, "HERE", tmp_path)
    assert ferplus_rows.digest_of_evaluation.__wrapped__() == before, "whatever folder it is in"
    (tmp_path / "ferplus_doubts.py").write_bytes(b"# another rule\n")
    assert ferplus_rows.digest_of_evaluation.__wrapped__() != before


def test_a_run_is_added_once_and_leaves_the_others_there(ferplus_folder, small_ferplus):
    other = ferplus_folder / "corrected-baseline-0"
    config = json.loads((other / "config.json").read_text())
    config["config"]["digest"] = small_ferplus.digest
    (other / "config.json").write_text(json.dumps(config))
    (other / "parts.json").write_text("{}")
    results = Results(ferplus_folder, small_ferplus)
    added = ferplus_folder / "corrected-uncnet-0"
    results.add(added)
    results.add(added)
    written = json.loads((ferplus_folder / "results.json").read_text())
    assert [row["method"] for row in written] == ["baseline"] * 2 + ["uncnet"] * 4
    assert written == results.rows
