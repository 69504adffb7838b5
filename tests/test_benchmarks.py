"""The benchmarks: how they time, what they write, and that each claim has its script.

Nothing here asserts on time: clocks are given.
"""

import ast
import json
import math
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import run, table
from benchmarks.exact_error import (
    expected_softmax_reference,
    gauss_hermite,
    gumbel_integral,
    logistic_normal,
    realistic_rows,
)
from benchmarks.paired import (
    PeerMissing,
    Timings,
    block_until_ready,
    median_interval,
    paired,
    row,
)
from benchmarks.peer_process import peer

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"
EXAMPLE = {"id": "exact_step", "ratio": 1.02, "low": 1.01, "high": 1.03, "unit": "times", "n": 9}


class Work:
    """Calls that take a stated time on a clock of their own, and a record of their order."""

    def __init__(self):
        self.now, self.order = 0.0, []

    def clock(self):
        return self.now

    def taking(self, name, *seconds):
        def call():
            self.order.append(name)
            self.now += seconds[self.order.count(name) % len(seconds)]

        return call


def test_a_ratio_is_that_of_the_times_taken():
    work = Work()
    calls = {"slow": work.taking("slow", 6.0), "quick": work.taking("quick", 1.5)}
    timings = paired(calls, rounds=5, clock=work.clock)
    assert timings.medians() == {"slow": 6.0, "quick": 1.5}
    assert timings.ratio("slow", "quick") == (4.0, 4.0, 4.0)


def test_calls_take_turns_in_alternating_order_after_a_warm_up():
    work = Work()
    calls = {name: work.taking(name, 1.0) for name in "ab"}
    paired(calls, rounds=3, repeat={"a": 2, "b": 1}, warm_up=1, clock=work.clock)
    assert "".join(work.order) == "ab" + "aab" + "baa" + "aab"


def test_a_ratio_is_taken_within_rounds():
    # Every second round the machine is ten times slower: medians of times would mislead.
    timings = Timings({"a": [2.0, 20.0, 2.0, 20.0], "b": [1.0, 10.0, 1.0, 10.0]})
    assert timings.ratio("a", "b") == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(("size", "cut"), [(3, 0), (5, 0), (6, 0), (9, 1), (20, 5), (40, 13)])
def test_the_interval_of_a_median_has_the_ranks_of_the_sign_test(size, cut):
    low, high = median_interval(range(size))
    assert (low, high) == (cut, size - 1 - cut)
    outside = 2 * sum(math.comb(size, count) for count in range(cut + 1)) / 2**size
    assert outside <= 0.05 or size < 6


def test_the_interval_covers_the_median_as_often_as_it_says():
    rng = np.random.default_rng(0)
    samples = rng.exponential(size=(2000, 11))
    covered = [low <= math.log(2) <= high for low, high in map(median_interval, samples)]
    assert statistics.fmean(covered) > 0.95 - 4 * math.sqrt(0.95 * 0.05 / 2000)


def test_results_are_waited_for_wherever_they_are():
    class Array:
        waited = 0

        def block_until_ready(self):
            Array.waited += 1

    block_until_ready({"loss": Array(), "gradients": [Array(), (Array(), None)], "seed": 3})
    assert Array.waited == 3


def test_a_row_holds_ratio_interval_and_medians():
    timings = Timings({"a": [3.0, 3.0, 4.0], "b": [1.0, 1.0, 1.0]})
    assert row("name", timings, "a", "b", claim="a / b") == {
        "id": "name",
        "ratio": 3.0,
        "low": 3.0,
        "high": 4.0,
        "unit": "times",
        "n": 3,
        "seconds": {"a": 3.0, "b": 1.0},
        "claim": "a / b",
    }


def test_results_are_rows_with_machine_and_commit(tmp_path):
    path = tmp_path / "bench" / "results.json"
    assert not run.run_all(["one"], quick=True, results=path, measure=lambda *_: ([EXAMPLE], None))
    (written,) = json.loads(path.read_text(encoding="utf-8"))
    assert written.items() >= {**EXAMPLE, "script": "one", "quick": True}.items()
    assert {"id", "ratio", "unit", "n", "machine", "commit"} <= set(written)
    assert re.search(r"\d+ cores, Python 3\.\d+\.\d+, tensorflow \d.*keras \d", written["machine"])
    assert "/" not in written["machine"]
    assert re.fullmatch(r"[0-9a-f]{40}\+?|unknown", written["commit"])


def test_a_script_that_fails_is_named_and_the_rest_still_run(tmp_path, capsys):
    answers = {
        "broken": ([], "failed: exit status 1"),
        "alone": ([], "absent: peer is not installed in .venv-peers"),
        "odd": ([{"id": "odd"}], None),
        "fine": ([EXAMPLE], None),
    }
    path = tmp_path / "results.json"
    old = {**EXAMPLE, "script": "broken", "quick": True, "machine": "", "commit": ""}
    path.write_text(json.dumps([old, {**old, "script": "kept"}]), encoding="utf-8")
    problems = run.run_all(
        list(answers), quick=True, results=path, measure=lambda name, quick: answers[name]
    )
    assert list(problems) == ["broken", "alone", "odd"]
    assert "lacks ratio, unit, n" in problems["odd"]
    rows = json.loads(path.read_text(encoding="utf-8"))
    assert [row["script"] for row in rows] == ["kept", "fine"]
    assert "not installed" in capsys.readouterr().out


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path):
    path = tmp_path / "results.json"
    run.run_all(["one"], quick=True, results=path, measure=lambda *_: ([EXAMPLE], None))
    assert run.without_rows(["one", "two"], quick=True, results=path) == ["two"]
    assert run.without_rows(["one", "two"], quick=False, results=path) == ["one", "two"]


def test_a_peer_that_is_not_installed_is_named():
    with (
        pytest.raises(PeerMissing, match=r"no-such-peer is not installed"),
        peer("no-such-peer", "mc_dropout", python=sys.executable),
    ):
        pass


def test_the_table_says_which_bars_are_reached():
    short = {"id": "passes_vs_peer", "ratio": 9.9, "unit": "times", "n": 3}
    error = {"id": "exact_error", "ratio": 1 / 21000, "unit": "ratio", "n": 100}
    other = {"id": "blog_step", "claim": "as published", "ratio": 1.24, "unit": "times", "n": 3}
    lines = table.results_table([other, short, EXAMPLE, error]).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [line[0] for line in cells[2:]] == [
        "exact_step",
        "exact_error",
        "passes_vs_peer",
        "blog_step",
    ]
    assert cells[2][2:] == ["1.02", "1.01 to 1.03", "9", "<= 1.05", "holds"]
    assert cells[3][2:] == ["1/21000", "–", "100", "<= 1/5000", "holds"]
    assert cells[4][2:] == ["9.9", "–", "3", ">= 10", "**short**"]
    assert cells[5][1:] == ["as published", "1.24", "–", "3", "–", ""]
    assert len({len(line) for line in lines if "**" not in line}) == 1


def test_the_table_replaces_what_stands_between_the_marks():
    page = f"before\n{table.MARKS[0]}\nold\n{table.MARKS[1]}\nafter\n"
    new = table.with_table(page, "new")
    assert new == page.replace("old", "new")
    assert table.with_table(new, "new") == new
    for broken in ("no marks", page + page, "\n".join(reversed(page.splitlines()))):
        with pytest.raises(ValueError, match="each mark once"):
            table.with_table(broken, "new")


@pytest.mark.skipif(not table.RESULTS.exists(), reason="no full run is committed")
@pytest.mark.parametrize("path", table.PAGES, ids=lambda path: path.parent.name)
def test_pages_show_the_committed_results(path):
    rows = json.loads(table.RESULTS.read_text(encoding="utf-8"))
    assert not any(row["quick"] for row in rows)
    page = path.read_text(encoding="utf-8")
    assert table.with_table(page, table.page_text(path, rows)) == page
    peers = [row["id"] for row in rows if row["script"].startswith("peer_")]
    assert all(name in page for name in [*table.CLAIMS, *peers])
    assert ("blog_step" in page) == (path.parent.name == "benchmarks")


def test_every_script_measures_and_is_described():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert len(run.scripts()) >= 7
    for name in run.scripts():
        text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text)), name
        assert '__name__ == "__main__"' in text, name
        assert f"({name}.py)" in readme, f"{name} is not in benchmarks/README.md"


def test_every_claim_has_a_script():
    texts = "".join((FOLDER / f"{name}.py").read_text(encoding="utf-8") for name in run.scripts())
    ids = {name.replace("c1000", "c").replace("c10", "c") for name in table.CLAIMS}
    assert not [name for name in ids if name not in texts]


def test_the_reference_agrees_with_two_other_methods():
    loc, scale = realistic_rows(np.random.default_rng(1), 2, 20)
    truth = expected_softmax_reference(loc, scale)  # itself compares with adaptive quadrature
    np.testing.assert_allclose(truth.sum(axis=1), 1, rtol=1e-12)
    by_hand = gumbel_integral(np.zeros(4), np.full(4, 2.0))
    np.testing.assert_allclose(by_hand, 1 / 4, rtol=1e-12)
    assert logistic_normal(np.array([1.0, 1.0]), np.array([0.3, 3.0])) == pytest.approx(0.5)
    narrow = np.array([0.3, -0.2, 0.5]), np.array([0.2, 0.7, 0.4])
    np.testing.assert_allclose(gumbel_integral(*narrow), gauss_hermite(*narrow), rtol=1e-10)


@pytest.mark.slow
def test_a_quick_run_of_a_script_writes_its_row():
    rows, reason = run.measure_in_fresh_process("exact_error", True)
    assert reason is None
    assert [row["id"] for row in rows] == ["exact_error", "exact_error_own_draws"]
    assert run.check_rows(rows) is None


@pytest.mark.slow
def test_scripts_refuse_an_unknown_name():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "no_such_script"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "no such script: no_such_script" in done.stderr
