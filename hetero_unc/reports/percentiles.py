"""The second seed's Figure 2: reliability, and Brier by percentile of doubt with its null."""

import numpy as np

from hetero_unc.metrics import bootstrap_interval, brier_by_uncertainty
from hetero_unc.reports import figures, html
from hetero_unc.reports.people import reliability_figure
from hetero_unc.reports.voted_run import PARTS, sorts

__all__ = ["SMALL", "direction", "percentiles_section"]

BINS = 20  # drawn; the correlations in the table say how many they use
RESAMPLES = 200
SMALL = 0.1  # a correlation below it is called none
STYLES = {"aleatoric": ("blue", "-"), "epistemic": ("teal", "-."), "total": ("amber", "--")}


def percentiles_section(runs, name="percentiles"):
    """Reliability of all runs; Brier, its null and the excess by percentile of each doubt.

    Parameters
    ----------
    runs : sequence of VotedRun
        At least one, on the same items. The first with dropout passes is drawn, else the first.
    name : str
        Of the section, unique on its page.
    """
    run = next((run for run in runs if run.row.get("passes")), runs[0])
    bins = max(2, min(BINS, len(run) // 20))
    curves = {
        part: brier_by_uncertainty(run.votes, run.summary.probabilities, doubt, n_bins=bins)
        for part, doubt in run.doubts().items()
        if sorts(doubt)
    }
    drawings = (reliability_figure(runs, name), *_along_doubt(run, curves, bins, name))
    blocks = [html.Text(_text(runs, run, curves)), html.Figures(drawings)]
    rows = _table_rows(runs)
    if rows:
        blocks.append(_table(rows))
    tenths = tuple(_tenths(run) for run in runs if sorts(run.summary.total))
    if tenths:
        blocks.append(html.Details("Tenths of total doubt", tenths))
    return html.Section(name, "Does doubt find bad calibration?", tuple(blocks))


def direction(correlation):
    """How something goes with doubt, as a verb: "rises with", "falls with", "does not go with"."""
    if abs(correlation) <= SMALL:
        return "does not go with"
    return "rises with" if correlation > 0 else "falls with"


def _text(runs, run, curves):
    text = (
        "Left: each vote is a trial; bars are 95 % intervals by image, identical ones together, "
        "and bins of a few images have none. "
    )
    if curves:
        text += (
            f"Then, for {run.name}: the Brier score over the votes by percentile of each doubt. A "
            "forecast from which the votes were really drawn would show the dotted line, so a rise "
            "is no sign of bad calibration. The excess is: above 0 the network is too sure there, "
            "below it too doubtful."
        )
    else:
        text += (
            f"{run.name} has the same doubt about nearly all images, so no Brier score by "
            "percentile is drawn."
        )
    others = [one for one in runs if curves or one is not run]
    said = [f"{one.name}: {words}" for one in others if (words := _directions(one))]
    if said:
        text += (
            f" The paper found the Brier score to rise with every doubt. Here, {'; '.join(said)}."
        )
    return text


def _directions(run):
    """How the Brier score of a run goes with each doubt, by its row; empty if it is not there."""
    if not any(sorts(doubt) for doubt in run.doubts().values()):
        return "nearly all images have the same doubt"
    parts = {}
    for part in PARTS:
        correlation = run.row.get(f"brier_{part}")
        if correlation is not None:
            parts.setdefault(direction(correlation), []).append(part)
    said = [
        f"{verb} {_listed(parts[verb])} doubt"
        for verb in ("rises with", "falls with", "does not go with")
        if verb in parts
    ]
    return f"it {_listed(said)}" if said else ""


def _listed(words):
    """ "a", "a and b" or "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _along_doubt(run, curves, bins, name):
    """Brier with its null, and the excess, by percentile of the doubts that sort."""
    if not curves:
        return ()
    said = "; ".join(
        f"{part} {curve.index_correlation('brier'):.2f}" for part, curve in curves.items()
    )
    excess_said = "; ".join(
        f"{part} {curve.index_correlation('excess'):.2f}" for part, curve in curves.items()
    )
    brier = [_series(curve, part, "brier", *STYLES[part]) for part, curve in curves.items()]
    of_null = "total" if "total" in curves else next(iter(curves))
    brier.append(_series(curves[of_null], f"null of {of_null}", "null", "quiet", (0, (1, 3))))
    return (
        html.Figure(
            figures.draw_series(
                f"{name}-brier",
                brier,
                x_label="percentile of doubt",
                y_label="Brier per annotation",
                x_limits=(0, 1),
                x_percent=True,
            ),
            f"Brier score in {bins} bins by each doubt, and what a calibrated forecast would have. "
            f"Correlations with the bin: {said}.",
            "Brier by percentile of doubt",
        ),
        html.Figure(
            figures.draw_series(
                f"{name}-excess",
                [
                    _series(curve, part, "excess", *STYLES[part], _excess_interval(run, part, bins))
                    for part, curve in curves.items()
                ],
                x_label="percentile of doubt",
                y_label="Brier − calibrated null",
                x_limits=(0, 1),
                x_percent=True,
            ),
            "Excess of the Brier score over its calibrated null in the same bins. Correlations "
            f"with the bin: {excess_said}.",
            "What is left beyond the null",
        ),
    )


def _series(curve, label, name, colour, line, interval=None):
    places = (np.arange(len(curve.count)) + 0.5) / len(curve.count)
    full = curve.count > 0
    low, high = (None, None) if interval is None else (interval.low[full], interval.high[full])
    return figures.Series(
        label, places[full], getattr(curve, name)[full], colour, line, low=low, high=high
    )


def _excess_interval(run, part, bins):
    """95 % interval of the excess in each bin, by images; for the total doubt alone."""
    if part != "total":
        return None
    return bootstrap_interval(
        lambda votes, forecast, doubt: (
            brier_by_uncertainty(votes, forecast, doubt, n_bins=bins).excess
        ),
        run.votes,
        run.summary.probabilities,
        run.doubts()[part],
        groups=run.groups,
        resamples=RESAMPLES,
    )


def _tenths(run):
    """Confidence and share of the votes, Brier and its null, from the least doubtful tenth on."""
    tenths = brier_by_uncertainty(
        run.votes, run.summary.probabilities, run.summary.total, n_bins=10
    )
    gap = tenths.confidence - tenths.share
    names = ("uncertainty", "confidence", "share", "gap", "brier", "null", "excess")
    columns = [gap if name == "gap" else getattr(tenths, name) for name in names]
    return html.Table(
        f"{run.name}: tenths of the images by total doubt, from the least. Gap: confidence less "
        "the share of the votes that the class read has, above 0 where the network is too sure.",
        ("tenth", "doubt, nats", *names[1:]),
        tuple(
            (str(place + 1), *("–" if np.isnan(one) else f"{one:.3f}" for one in numbers))
            for place, numbers in enumerate(zip(*columns, strict=True))
        ),
    )


def _table_rows(runs):
    return tuple(
        (
            run.name,
            part,
            run.number(f"brier_{part}"),
            run.number(f"brier_null_{part}"),
            run.number(f"brier_excess_{part}"),
            str(run.row["brier_bins"]),
        )
        for run in runs
        for part in run.doubts()
        if run.row.get(f"brier_{part}") is not None
    )


def _table(rows):
    return html.Table(
        "Correlation of the percentile with the Brier score, the same with votes drawn from the "
        "forecast itself, and with the excess. The paper: .880 aleatoric, .710 epistemic, .884 "
        "total, number of bins not stated. A few dependent points: p-values would mean nothing.",
        ("network", "doubt", "r with Brier", "calibrated null", "r with excess", "bins"),
        rows,
        text_columns=(0, 1),
    )
