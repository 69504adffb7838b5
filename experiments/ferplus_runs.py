"""Which runs each preset of `ferplus.py` is made of. A run's settings decide its result."""

import dataclasses

from ferplus_end_to_end import CompactRun
from ferplus_paper_runs import published, runs_of

__all__ = ["PRESETS", "compact_runs", "paper_runs"]

PRESETS = ("full", "large", "quick", "smoke")


def compact_runs(preset, dataset, digest):
    """The compact networks of a preset: on votes, and the same on FER's single labels."""
    base = {"seed": 0, "dataset": dataset, "digest": digest}
    if preset == "smoke":
        base |= {"phases": ((16, 1), (24, 1)), "widths": (4, 8, 8), "blocks": (0, 1, 1)}
        base |= {"passes": 3, "precision": "float32", "average": 0.9}
    elif preset == "quick":
        base |= {"phases": ((24, 16), (48, 8)), "widths": (16, 32, 64, 96), "passes": 20}
        # An average over more steps than these few hundred would still hold the initial weights.
        base |= {"average": 0.98}
    elif preset == "large":
        wide = {"widths": (64, 128, 256, 512), "blocks": (1, 2, 2, 2), "dropout": 0.4}
        phases = ((32, 30), (40, 25), (48, 45))
        return [
            CompactRun("compact_votes", **{**base, "seed": seed}, phases=phases, **wide)
            for seed in range(3)
        ]
    votes = CompactRun("compact_votes", **base)
    runs = [votes]
    if preset in ("full", "smoke"):
        runs.append(dataclasses.replace(votes, seed=1))
    # The pair that differs in its labels alone is shorter, so that both are to be had.
    pair = base if preset != "full" else {**base, "phases": ((32, 8),)}
    runs.append(CompactRun("compact_hard_labels", **pair))
    if pair is not base:
        runs.append(dataclasses.replace(runs[-1], method="compact_votes"))
    return runs


def paper_runs(preset, base):
    """The paper's networks of a preset."""
    if preset == "smoke":
        return runs_of("smoke", base)
    if preset == "quick":
        runs = [published("uncnet", base), *runs_of("corrected", base, seeds=1)]
        return [dataclasses.replace(run, epochs=60) for run in runs]
    # What the paper's networks read does not change with the size of ours.
    names = ("published", "corrected", "endpoints", "inputs")
    return list(dict.fromkeys(run for name in names for run in runs_of(name, base)))
