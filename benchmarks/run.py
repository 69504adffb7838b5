"""Run the benchmarks, each in a process of its own, and write runs/bench/results.json.

python -m benchmarks.run [--quick] [script ...]     all scripts, or those that are named
python -m benchmarks.run --missing                  those without a row at this commit

The file is written again after each script, and rows of scripts that do not run now stay. A script
that fails is named, the others still run, and the exit status is 1. A peer that is not installed is
named and its row is absent; that is no failure.
"""

import argparse
import ast
import importlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
from importlib import metadata

from benchmarks.paired import PeerMissing
from benchmarks.table import CLAIMS, provenance, terminal_table
from hetero_unc.machine import machine
from hetero_unc.writing import write_json

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "runs" / "bench" / "results.json"
REQUIRED = ("id", "ratio", "unit", "n")
LIMIT = {True: 120, False: 1800}  # seconds a script may take, quick or not
FAILED, ABSENT = "failed", "absent"


def scripts():
    """Names of the modules in this folder that define `measure`."""
    found = []
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        if any(isinstance(part, ast.FunctionDef) and part.name == "measure" for part in body):
            found.append(path.stem)
    return found


def run_all(names, *, quick, results=RESULTS, measure=None):
    """Measure every script; return `{script: reason}` for those that gave no rows.

    Parameters
    ----------
    names : list of str
    quick : bool
    results : path-like
    measure : callable, default=measure_in_fresh_process
        `(name, quick)` -> `(rows, reason)`, `reason` None where there are rows.
    """
    measure = measure or measure_in_fresh_process
    rows = read_rows(results)
    stamp = {"machine": machine_and_versions(), "commit": commit(), "quick": quick}
    problems = {}
    for name in names:
        print(f"{name} ...", end=" ", flush=True)
        start = time.monotonic()
        new, reason = measure(name, quick)
        reason = reason or check_rows(new)
        if reason:
            problems[name], new = reason, []
        print(reason or f"{time.monotonic() - start:.0f} s", flush=True)
        rows = [row for row in rows if row["script"] != name]
        rows += [{**row, **stamp, "script": name} for row in new]
        write_json(results, rows)
    return problems


def measure_in_fresh_process(name, quick):
    """`(rows, None)`, or `([], reason)` where the script failed or a peer is missing."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "rows.json"
        command = [sys.executable, "-m", "benchmarks.run", "--into", str(path), name]
        if quick:
            command.append("--quick")
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, timeout=LIMIT[quick], capture_output=True
            )
        except subprocess.TimeoutExpired:
            return [], f"{FAILED}: not done after {LIMIT[quick]} s"
        if done.returncode or not path.exists():
            sys.stderr.write(done.stderr.decode(errors="replace"))
            return [], f"{FAILED}: exit status {done.returncode}"
        answer = json.loads(path.read_text(encoding="utf-8"))
    return answer["rows"], answer["reason"]


def measure_here(name, quick, path):
    """The other end of `measure_in_fresh_process`."""
    answer = {"rows": [], "reason": None}
    try:
        answer["rows"] = importlib.import_module(f"benchmarks.{name}").measure(quick)
    except PeerMissing as missing:
        answer["reason"] = f"{ABSENT}: {missing}"
    write_json(path, answer)


def check_rows(rows):
    """None, or what is wrong with the rows that a script returned."""
    for row in rows:
        missing = [key for key in REQUIRED if key not in row]
        if missing:
            return f"{FAILED}: a row lacks {', '.join(missing)}"
    return None if rows else f"{FAILED}: no rows"


def read_rows(path):
    """Rows of an earlier run, or none."""
    if not pathlib.Path(path).exists():
        return []
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def machine_and_versions():
    packages = [f"{name} {metadata.version(name)}" for name in ("tensorflow", "keras")]
    return ", ".join([machine(), f"Python {platform.python_version()}", *packages])


def commit():
    """Hash of the commit, with `+` where tracked files differ from it; "unknown" without git."""
    try:
        git = ["git", "-C", str(ROOT)]
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, check=True)
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD"], capture_output=True).returncode
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.decode().strip() + ("+" if changed else "")


def without_rows(names, *, quick, results=RESULTS):
    """The scripts among `names` that have no row at this commit and of this kind."""
    now = commit()
    done = {
        row["script"]
        for row in read_rows(results)
        if row["commit"] == now and row["quick"] == quick
    }
    return [name for name in names if name not in done]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="script", help="default: all")
    parser.add_argument("--quick", action="store_true", help="rough figures, under two minutes")
    parser.add_argument("--missing", action="store_true", help="only what has no row yet")
    parser.add_argument("--into", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.into:
        measure_here(options.names[0], options.quick, options.into)
        return
    unknown = set(options.names) - set(scripts())
    if unknown:
        parser.error(f"no such script: {', '.join(sorted(unknown))}; there are {scripts()}")
    names = options.names or scripts()
    if options.missing:
        names = without_rows(names, quick=options.quick)
    problems = run_all(names, quick=options.quick)
    rows = read_rows(RESULTS)
    if rows:
        print(f"\n{terminal_table(rows)}\n\n{provenance(rows)}")
    for name, reason in problems.items():
        print(f"{name}: {reason}")
    absent = sorted(set(CLAIMS) - {row["id"] for row in rows})
    if absent:
        print(f"Without a row: {', '.join(absent)}")
    sys.exit(any(reason.startswith(FAILED) for reason in problems.values()))


if __name__ == "__main__":
    main()
