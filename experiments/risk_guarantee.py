"""Is the risk of what is accepted kept as often as stated?

    python experiments/risk_guarantee.py        (under a minute)

An item of doubt u, uniform on [0, 1], is predicted wrongly with probability u^2 (few errors where
the model is sure), u / 2 (a calibrated doubt) or .08 + .1 u (errors everywhere: no threshold of
risk .05 exists). The risk of all items of doubt at most t is then t^2 / 3, t / 4 or .08 + .05 t:
known, not estimated. For each, and for several numbers of validation items, 1,000 sets of them are
drawn; the stated confidence is .9, so the risk may be above its target in .1 of the redraws.

To expect: no share above .1 by more than chance (.02), and a median coverage that comes near the
best as validation items become many. Writes runs/risk_guarantee/results.json.
"""

import pathlib

import numpy as np
from rich.console import Console
from rich.table import Table

from hetero_unc.audit.guarantee import candidate_thresholds, risk_threshold
from hetero_unc.writing import write_json

FOLDER = pathlib.Path("runs/risk_guarantee")
REDRAWS = 1000
CONFIDENCE = 0.9
SIZES = (200, 1000, 5000)
TARGETS = (0.05, 0.1)
# Chance of an error at a doubt, and the risk of all items up to it.
ERRORS = {
    "u^2": (lambda u: u**2, lambda t: t**2 / 3),
    "u / 2": (lambda u: u / 2, lambda t: t / 4),
    ".08 + .1 u": (lambda u: 0.08 + 0.1 * u, lambda t: 0.08 + 0.05 * t),
}


def run(redraws=REDRAWS, sizes=SIZES):
    """Share of redraws whose risk is above the target, and the coverage, one row a setting."""
    rows = []
    for name, (error, risk) in ERRORS.items():
        for target in TARGETS:
            for items in sizes:
                rng = np.random.default_rng(0)
                thresholds = []
                for _ in range(redraws):
                    doubt = rng.random(items)
                    found = risk_threshold(
                        doubt,
                        rng.random(items) < error(doubt),
                        candidate_thresholds(rng.random(items)),
                        target_risk=target,
                        confidence=CONFIDENCE,
                    )
                    thresholds.append(found.threshold or 0.0)
                thresholds = np.array(thresholds)
                above = (thresholds > 0) & (risk(thresholds) > target)
                grid = np.linspace(0, 1, 10001)[1:]
                best = grid[risk(grid) <= target].max(initial=0.0)
                rows.append(
                    {
                        "error": name,
                        "target": target,
                        "validation_items": items,
                        "risk_above_target": float(above.mean()),
                        "median_coverage": float(np.median(thresholds)),
                        "best_coverage": float(best),
                    }
                )
    return rows


def main():
    """Print and write the table."""
    rows = run()
    write_json(
        FOLDER / "results.json", {"redraws": REDRAWS, "confidence": CONFIDENCE, "rows": rows}
    )
    table = Table(
        title=f"{REDRAWS:,} redraws; at most {100 * (1 - CONFIDENCE):.0f} % may be above the target"
    )
    for name in rows[0]:
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
