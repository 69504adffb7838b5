"""What is gained by refusing the most doubtful items, with one's own doubt and another's."""

import numpy as np

from hetero_unc.metrics import area_under_risk_coverage_curve, risk_coverage_curve
from hetero_unc.reports import figures, html
from hetero_unc.reports.formats import format_percent

__all__ = ["refusal_section"]

REFUSED = 0.25  # share of the items, as in the second seed
POINTS = 400  # a point a pixel is enough
STYLES = (("blue", "-"), ("amber", "--"), ("teal", "-."), ("rose", ":"), ("ink", (0, (5, 1, 1, 1))))


def refusal_section(runs):
    """Accuracy of what is kept, for each run by its own doubts and by the others' total doubt.

    Parameters
    ----------
    runs : sequence of VotedRun
        At least one, on the same items; up to three are drawn.
    """
    drawings, rows = [], []
    for place, run in enumerate(runs[:3]):
        rankings = _rankings(run, runs)
        curves = {
            name: risk_coverage_curve(run.majority, run.summary.probabilities, doubt)
            for name, doubt in rankings.items()
        }
        accuracy = float((run.predicted == run.majority).mean())
        series = [
            figures.Series(name, *_thinned(curve), colour, line)
            for (name, curve), (colour, line) in zip(curves.items(), STYLES, strict=False)
        ]
        series.append(
            figures.Series("at random", [0, 0.5], [accuracy, accuracy], "quiet", (0, (1, 3)))
        )
        gains = {name: _gain(curve) for name, curve in curves.items()}
        drawings.append(
            html.Figure(
                figures.draw_series(
                    f"refusal-{place}",
                    series,
                    x_label="share refused",
                    y_label="accuracy of the rest",
                    x_limits=(0, 0.5),
                    x_percent=True,
                    y_percent=True,
                ),
                f"{run.name}: accuracy of what is kept, by the share refused. Gains at 25 percent: "
                + ", ".join(f"{name} {100 * gain:.1f} points" for name, gain in gains.items())
                + ".",
                run.name,
            )
        )
        rows += [_row(run, name, accuracy, gains[name], doubt) for name, doubt in rankings.items()]
        rows.append((run.name, "at random", *_numbers(accuracy, 0.0, 1 - accuracy)))
    table = html.Table(
        "Accuracy against the class with most votes, nine classes. Gain: of the 75 % kept over "
        "all, same network. AURC: mean share of mistakes over all coverages, lower is better.",
        ("network", "refused by", "accuracy of all", "of the 75 % kept", "gain, points", "AURC"),
        tuple(rows),
        text_columns=(0, 1),
    )
    text = (
        "The paper's “as much as 8 %” compares UncNet after refusal with Baseline before it. Like "
        "for like, each network is compared with itself; a network's own doubt must beat another "
        "network's to be worth its cost, and any must beat refusing at random, which gains nothing."
    )
    return html.Section(
        "refusal",
        "What refusing the doubtful is worth",
        (html.Text(text), html.Figures(tuple(drawings)), table),
    )


def _rankings(run, runs):
    """Doubts to refuse by: the run's own parts, then the total of each other run."""
    own = {"own total": run.summary.total}
    if (run.summary.epistemic > 1e-9).any():
        own |= {
            "own aleatoric": run.summary.aleatoric,
            "own epistemic": run.summary.epistemic,
        }
    return own | {
        f"that of {other.name}": other.summary.total for other in runs if other is not run
    }


def _thinned(curve):
    """Share refused and accuracy of the rest, up to one half refused, ascending."""
    shown = np.flatnonzero(curve.coverage >= 0.5)
    shown = np.unique(np.append(shown[:: max(1, len(shown) // POINTS)], shown[-1]))[::-1]
    return 1 - curve.coverage[shown], 1 - curve.risk[shown]


def _gain(curve):
    kept = int((1 - REFUSED) * len(curve.risk))
    return float(curve.risk[-1] - curve.risk[max(1, kept) - 1])


def _row(run, name, accuracy, gain, doubt):
    area = area_under_risk_coverage_curve(run.majority, run.summary.probabilities, doubt)
    return (run.name, name, *_numbers(accuracy, gain, area))


def _numbers(accuracy, gain, area):
    return (
        format_percent(accuracy, 1),
        format_percent(accuracy + gain, 1),
        f"{100 * gain:+.1f}",
        f"{area:.4f}",
    )
