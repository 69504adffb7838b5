"""The rows of finished runs: kept beside each for as long as what computes them is the same.

    rows = rows_of(run_folder, data)

To evaluate a run takes seconds, a page of a hundred runs many minutes. `metrics.json` therefore
holds a digest of what was evaluated and of the source that computes rows: after a change of either
no older figure is shown beside a newer one.
"""

import functools
import hashlib
import json
import logging
import pathlib

import hetero_unc
from ferplus_evaluation import evaluate_run, read_config
from hetero_unc.writing import write_json

__all__ = ["Results", "digest_of_evaluation", "finished_runs", "rows_of"]

HERE = pathlib.Path(__file__).parent
PACKAGE = pathlib.Path(hetero_unc.__file__).parent
DATA = ("ferplus", "ferplus_protocols", "identical_images")

log = logging.getLogger("hetero_unc.experiments.ferplus")


class Results:
    """The rows of all runs in a folder that are finished, in `results.json` after each run."""

    def __init__(self, folder, data):
        self.folder, self.data, self.by_run = folder, data, {}
        # First what is there: a call that is stopped leaves no fewer rows than it found.
        self.take_all()

    @property
    def rows(self):
        """By the names of the runs, whatever order they came in."""
        return [row for name in sorted(self.by_run) for row in self.by_run[name]]

    def take_all(self):
        """Evaluate, or read, every finished run of the folder that is not among them."""
        for run_folder in finished_runs(self.folder, self.data.digest):
            if run_folder.name not in self.by_run:
                self.by_run[run_folder.name] = rows_of(run_folder, self.data)

    def add(self, run_folder):
        """Evaluate a run, or read what an earlier call found."""
        self.by_run[run_folder.name] = rows_of(run_folder, self.data)
        self.write()

    def write(self):
        write_json(self.folder / "results.json", self.rows)


def finished_runs(folder, digest):
    """Run folders on these data that are whole: `parts.json` is written last."""
    found = sorted(path.parent for path in folder.glob("*/parts.json"))
    return [path for path in found if read_config(path).get("digest") == digest]


def rows_of(run_folder, data):
    """The rows of `evaluate_run`, from `metrics.json` where the same code has written it."""
    path = run_folder / "metrics.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    digest = f"{digest_of_evaluation()} {digest_of_run(run_folder)}"
    # A list is what `metrics.json` was before it held a digest.
    if isinstance(kept, list) or kept.get("evaluation") != digest:
        log.info("rows of %s", run_folder.name)
        write_json(path, {"evaluation": digest, "rows": evaluate_run(run_folder, data)})
        kept = json.loads(path.read_text(encoding="utf-8"))
    return kept["rows"]


@functools.cache
def digest_of_evaluation():
    """SHA-256 of the source that lies between predictions and rows, as a hexadecimal string."""
    files = [HERE / f"ferplus_{name}.py" for name in ("doubts", "evaluation", "measures")]
    files += [PACKAGE / f"{name}.py" for name in ("archives", "checks", "predictive")]
    files += [PACKAGE / "data" / f"{name}.py" for name in DATA]
    files += [*sorted(PACKAGE.glob("metrics/*.py")), *sorted(PACKAGE.glob("gaussian/*.py"))]
    return digest_of(files)


def digest_of_run(run_folder):
    """SHA-256 of the predictions and of what `evaluate_run` reads beside them."""
    described = [run_folder / name for name in ("config.json", "history.csv", "parts.json")]
    predictions = sorted(run_folder.glob("predictive-*.npz"))
    return digest_of([path for path in described if path.exists()] + predictions)


def digest_of(files):
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\n".encode())
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
