"""How long does an audit take, and does it grow with the items alone?

python -m benchmarks.audit_seconds [--quick]

`audit` of 10 classes, 20 passes and 10 votes an item, without reading and writing, each size in a
fresh process: seconds, and the peak resident memory that Linux keeps (VmHWM). `audit_growth` is the
time of 500,000 items over ten times that of 50,000: 1 is linear. The memory of the 500,000 holds
their passes, 400 MB, once.
"""

import json
import subprocess
import sys
import time

from benchmarks.paired import main

SIZES = (5_000, 50_000, 500_000)
CLASSES, PASSES, VOTES = 10, 20, 10


def measure(quick):
    """The rows `audit_seconds_50k` and `audit_growth`."""
    sizes = SIZES[:2] if quick else SIZES
    found = {size: measured(size) for size in sizes}
    rows = [
        {
            "id": "audit_seconds_50k",
            "ratio": found[50_000]["seconds"],
            "unit": "s",
            "n": 1,
            "sizes": {str(size): values for size, values in found.items()},
            "claim": "audit of 50,000 items, 10 classes, 20 passes: seconds",
        }
    ]
    small, large = sizes[-2:]
    growth = found[large]["seconds"] / found[small]["seconds"] / (large / small)
    rows.append(
        {
            "id": "audit_growth",
            "ratio": growth,
            "unit": "ratio",
            "n": 1,
            "claim": f"audit: seconds an item, {large:,} / {small:,} items",
        }
    )
    return rows


def measured(items):
    """Seconds and peak MiB of an audit in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.audit_seconds", "--items", str(items)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def audit_simulated(items):
    """Audit simulated predictions; seconds and peak MiB."""
    import numpy as np

    from benchmarks.loss_memory import peak_of_this_process
    from hetero_unc.audit import audit
    from hetero_unc.data import Predictions, VoteTable

    rng = np.random.default_rng(0)
    loc = rng.normal(0, 3, (items, CLASSES)).astype(np.float32)
    probabilities = np.empty((PASSES, items, CLASSES), np.float32)
    for index in range(PASSES):
        logits = loc + rng.normal(0, 0.5, loc.shape).astype(np.float32)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities[index] = powers / powers.sum(axis=1, keepdims=True)
    shares = rng.standard_gamma(8 * probabilities.mean(axis=0) + 1e-3)
    votes = rng.multinomial(VOTES, shares / shares.sum(axis=1, keepdims=True))
    ids = np.array([f"item {index}" for index in range(items)])
    classes = tuple(f"class {index}" for index in range(CLASSES))
    groups = {"camera": rng.choice(["left", "right"], items)}
    predictions = Predictions(probabilities, ids, classes=classes)
    vote_table = VoteTable(ids, classes, votes, groups=groups)
    start = time.perf_counter()
    audit(predictions, vote_table)
    return {"seconds": time.perf_counter() - start, "peak_mib": peak_of_this_process()}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--items"]:
        print(json.dumps(audit_simulated(int(sys.argv[2]))))
    else:
        main(measure)
