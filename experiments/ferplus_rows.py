"""The rows of finished runs: kept beside each for as long as what computes them is the same.

    rows = rows_of(run_folder, data)

To evaluate a run takes seconds, a page of a hundred runs many minutes. `metrics.json` therefore
holds a digest of the files that compute rows: after a change of any of them no figure of the older
code is shown beside one of the newer.
"""

import functools
import hashlib
import json
import logging
import pathlib

import hetero_unc
from ferplus_evaluation import evaluate_run
from hetero_unc.writing import write_json

__all__ = ["Results", "digest_of_evaluation", "rows_of"]

HERE = pathlib.Path(__file__).parent
PACKAGE = pathlib.Path(hetero_unc.__file__).parent

log = logging.getLogger("hetero_unc.experiments.ferplus")


class Results:
    """The rows of all runs so far, written anew after each run."""

    def __init__(self, folder, data):
        self.folder, self.data, self.rows = folder, data, []
        self.added = set()

    def add(self, run_folder):
        """Evaluate a run, or read what an earlier call found; once."""
        if run_folder.name in self.added:
            return
        self.added.add(run_folder.name)
        self.rows += rows_of(run_folder, self.data)
        write_json(self.folder / "results.json", self.rows)


def rows_of(run_folder, data):
    """The rows of `evaluate_run`, from `metrics.json` where the same code has written it."""
    path = run_folder / "metrics.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    digest = digest_of_evaluation()
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
    files += [PACKAGE / "predictive.py", *sorted(PACKAGE.glob("metrics/*.py"))]
    files += [PACKAGE / "data" / f"{name}.py" for name in ("ferplus_protocols", "identical_images")]
    files += sorted(PACKAGE.glob("gaussian/*.py"))
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()
