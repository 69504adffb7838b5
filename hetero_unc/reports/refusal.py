"""What is gained by refusing the most doubtful items, with one's own doubt and another's."""

import numpy as np

from hetero_unc.formats import format_percent
from hetero_unc.metrics import (
    accuracy_at_coverage,
    area_under_risk_coverage_curve,
    bootstrap_interval,
    risk_coverage_curve,
)
from hetero_unc.reports import figures, html
from hetero_unc.reports.voted_run import sorts

__all__ = ["refusal_section"]

REFUSED = 0.25  # share of the items, as in the second seed
RESAMPLES = 200
OWN = "own total"
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
        every = _rankings(run, runs)
        # Of equals the first in the file would be kept, which is nobody's choice.
        rankings = {name: doubt for name, doubt in every.items() if sorts(doubt)}
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
        intervals = _gain_intervals(run, rankings)
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
                + (
                    ", ".join(f"{name} {100 * gain:.1f} points" for name, gain in gains.items())
                    or "none, as no doubt tells the images apart"
                )
                + ".",
                run.name,
            )
        )
        rows += [
            _row(run, name, accuracy, gains[name], doubt, intervals[name])
            if name in rankings
            else (run.name, name, format_percent(accuracy, 1), *["–"] * 4)
            for name, doubt in every.items()
        ]
        rows.append(_random_row(run, accuracy))
    table = html.Table(
        "Accuracy against the class with most votes, nine classes. Gain: of the 75 % kept over "
        "all, same network. AURC: mean share of mistakes over all coverages, lower is better. In "
        "brackets 95 % intervals by images, identical ones together; own less this: what the "
        "network's own total doubt gains more than the doubt of the row. No gain is given for a "
        "doubt that is the same for nearly all images.",
        (
            "network",
            "refused by",
            "accuracy of all",
            "of the 75 % kept",
            "gain, points",
            "AURC",
            "own less this, points",
        ),
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
    own = {OWN: run.summary.total}
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


def _gain_intervals(run, rankings):
    """Name of each ranking -> float array of shape (3, 2).

    Estimate, low and high, of its gain and of what the own total doubt gains more; NaN where that
    is no ranking.
    """
    if not rankings:
        return {}
    own = list(rankings).index(OWN) if OWN in rankings else None
    right = (run.predicted == run.majority).astype(np.float64)

    def statistic(right, doubts):
        kept = int((1 - REFUSED) * len(right))
        accuracies = np.array(
            [right[np.argsort(doubt, kind="stable")[:kept]].mean() for doubt in doubts.T]
        )
        more = np.full(len(accuracies), np.nan) if own is None else accuracies[own] - accuracies
        return np.stack([accuracies - right.mean(), more])

    found = bootstrap_interval(
        statistic,
        right,
        np.stack(list(rankings.values()), axis=1),
        groups=run.groups,
        resamples=RESAMPLES,
    )
    ends = np.stack([found.estimate, found.low, found.high])
    return {name: ends[:, :, place] for place, name in enumerate(rankings)}


def _row(run, name, accuracy, gain, doubt, interval):
    area = area_under_risk_coverage_curve(run.majority, run.summary.probabilities, doubt)
    accuracy, kept, points, area = _numbers(accuracy, gain, area)
    (_, low, high), (less, least, most) = 100 * interval.T
    return (
        run.name,
        name,
        accuracy,
        kept,
        f"{points} [{low:.1f}, {high:.1f}]",
        area,
        "–" if name == OWN or np.isnan(less) else f"{less:+.1f} [{least:.1f}, {most:.1f}]",
    )


def _random_row(run, accuracy):
    control = accuracy_at_coverage(run.majority, run.summary.probabilities, coverage=1 - REFUSED)
    accuracy_of_all, kept, points, area = _numbers(accuracy, 0.0, 1 - accuracy)
    ends = f"{points} [{100 * control.random_low:.1f}, {100 * control.random_high:.1f}]"
    return (run.name, "at random", accuracy_of_all, kept, ends, area, "–")


def _numbers(accuracy, gain, area):
    return (
        format_percent(accuracy, 1),
        format_percent(accuracy + gain, 1),
        f"{100 * gain:+.1f}",
        f"{area:.4f}",
    )
