"""A peer that lives in .venv-peers, seen from here as a function to be timed."""

import contextlib
import json
import pathlib
import subprocess

from benchmarks.paired import PeerMissing

__all__ = ["peer"]

ROOT = pathlib.Path(__file__).parents[1]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
WORKER = pathlib.Path(__file__).with_name("peer_worker.py")


@contextlib.contextmanager
def peer(package, task, *, python=PYTHON, runs=1, **settings):
    """Start a peer, wait until it is warm, and yield `(call, facts)`.

    The peer waits on its input between calls, so it takes no time from what it alternates with.

    Parameters
    ----------
    package : str
        Name on PyPI of what must be installed.
    task : str
        One of `TASKS` in `peer_worker.py`.
    python : path-like
        The interpreter that has it.
    runs : int, default=1
        Runs within one call: many where one is too short for the pipe not to count.
    **settings
        Arguments of the task.

    Yields
    ------
    call : callable
        Runs the peer and returns when it is done.
    facts : dict
        `variant`, the fastest way to run it; `parameters`, their number; `failures` of variants;
        `version` of the package.

    Raises
    ------
    PeerMissing
        If the package is not installed there.
    RuntimeError
        If the peer fails.
    """
    version = installed_version(package, python)
    process = subprocess.Popen(
        [str(python), str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask(message):
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{package} {version} ended early: exit status {process.wait()}")
        return json.loads(answer)

    try:
        facts = {**ask({"task": task, **settings}), "version": version}
        yield lambda: ask({"runs": runs}), facts
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def installed_version(package, python=PYTHON):
    """Version of `package` beside the interpreter `python`; PeerMissing without one."""
    code = "import sys; from importlib import metadata; print(metadata.version(sys.argv[1]))"
    try:
        done = subprocess.run(
            [str(python), "-c", code, package], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        folder = pathlib.Path(python).parents[1].name
        raise PeerMissing(f"{package} is not installed in {folder}") from None
    return done.stdout.strip()
