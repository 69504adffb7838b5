"""Does each metric equal an independent reference on random inputs, and how nearly?

    PYTHONPATH=. .venv-peers/bin/python experiments/metric_references.py

netcal, torchmetrics and torch-uncertainty stand on PyTorch, so they are asked in the virtual
environment of the benchmarks' peers:

    make .venv-peers/torch-uncertainty
    uv pip install --python .venv-peers/bin/python netcal==1.4.0 scikit-learn

In any other environment their rows are left out, and said to be; all others need scikit-learn and
SciPy alone. What no library has is compared with a loop over its definition, written once more from
the source.

Prints metric, reference and the largest absolute difference over twenty random inputs of 300 items,
and ends with 1 if one is above 1e-5, or 1e-3 where each side searches for an optimum. To expect:
below 1e-12 in float64 (4.5e-13), 1.3e-7 where the reference computes in float32, and 3.4e-5 between
two optimisers (netcal 1.4.0, torchmetrics 1.9.0, torch-uncertainty 0.13.0, scikit-learn 1.9.1,
SciPy 1.18.1).
"""

import importlib.util
import sys

import numpy as np
from rich.console import Console
from rich.table import Table

import references_to_labels
import references_to_votes
from reference_problem import Problem

SEEDS = range(20)
ROWS = references_to_labels.ROWS + references_to_votes.ROWS
# Random, or trainings: each is held against a closed form or another's draws there.
RANDOM = {
    "add_label_noise": "test_leakage.py",
    "bootstrap_interval": "test_intervals.py",
    "calibrated_null": "test_calibrated_null.py",
    "dirichlet_multinomial_ceiling": "test_noise_ceiling.py",
    "leak_test": "test_leakage.py",
    "redraw_votes": "test_calibrated_null.py",
    "resampling_floor": "test_calibrated_null.py",
    "split_half_ceiling": "test_noise_ceiling.py",
}


def compare(seeds=SEEDS):
    """(metric, reference, allowed, largest difference); None where it is not installed."""
    problems = [Problem(seed) for seed in seeds]
    for name, reference, needs, within, both in ROWS:
        if any(importlib.util.find_spec(library) is None for library in needs):
            yield name, reference, within, None
            continue
        differences = []
        for problem in problems:
            ours, theirs = both(problem)
            differences.append(np.abs(np.ravel(ours) - np.ravel(theirs)).max())
        yield name, reference, within, float(max(differences))


def main():
    """Print the table; 1 if a metric is not its reference."""
    table = Table("metric", "reference", "largest difference")
    differ = []
    for name, reference, within, difference in compare():
        shown = "not installed here" if difference is None else f"{difference:.1e}"
        table.add_row(name, reference, shown)
        # A NaN is a difference too.
        if difference is not None and not difference <= within:
            differ.append(name)
    for name, test in RANDOM.items():
        table.add_row(name, f"random: tests/metrics/{test}", "")
    Console(width=140).print(table)
    if differ:
        print(f"not equal: {', '.join(differ)}")
    return int(bool(differ))


if __name__ == "__main__":
    sys.exit(main())
