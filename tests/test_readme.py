"""README keeps its promises: its example runs, its table is the committed rows, its links exist."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_runs_as_it_stands(tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 20
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", example],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert "aleatoric" in done.stdout


def results_table():
    path = ROOT / "experiments" / "results_table.py"
    spec = importlib.util.spec_from_file_location("results_table", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses looks its module up
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_made_from_the_committed_rows():
    module = results_table()
    for page in module.PAGES:
        text = page.read_text(encoding="utf-8")
        for table in module.TABLES:
            assert table.put_into(text) == text, page.name


def test_every_file_that_is_linked_exists():
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", README)
    assert links
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing


def test_every_experiment_has_its_row():
    page = (ROOT / "experiments" / "README.md").read_text(encoding="utf-8")
    for script in (ROOT / "experiments").glob("*.py"):
        if "__main__" in script.read_text(encoding="utf-8"):
            assert f"]({script.name})" in page, script.name


def test_rows_are_taken_from_a_run_to_five_digits_with_their_intervals():
    module = results_table()
    row = {"method": "uncnet", "accuracy_8": 0.8665207877, "brier_aleatoric": 0.5, "seed": 3}
    row["intervals"] = {"accuracy_8": [0.85448, 0.87816543], "aurc": [0.1, 0.2]}
    (taken,) = json.loads(module.committed_rows([row]))
    assert (taken["method"], taken["seed"], taken["accuracy_8"]) == ("uncnet", 3, 0.86652)
    assert taken["intervals"] == {"accuracy_8": [0.85448, 0.87817]}
    assert "brier_aleatoric" not in taken
    assert taken["js_distance"] is None


def test_of_a_sweep_the_rows_of_its_table_are_taken():
    module = results_table()
    usual = {"recipe": "corrected", "seed": 0, **module.USUAL}
    rows = [
        {**usual, "method": "baseline", "passes": 0},
        {**usual, "method": "uncnet", "passes": 100},
        {**usual, "method": "uncnet", "passes": 100, "learning_rate": 1e-2},
        {**usual, "method": "uncnet", "passes": 0, "learning_rate": 1e-2},
        {**usual, "method": "baseline", "passes": 0, "learning_rate": 1e-2},
    ]
    taken = json.loads(module.committed_rows(rows))
    assert [(row["method"], row["learning_rate"]) for row in taken] == [
        ("baseline", 1e-4),
        ("uncnet", 1e-4),
        ("uncnet", 1e-2),
    ]
