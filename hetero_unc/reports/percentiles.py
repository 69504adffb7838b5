"""The second seed's Figure 2: reliability, and Brier by percentile of doubt with its null."""

import numpy as np

from hetero_unc.metrics import bootstrap_interval, brier_by_uncertainty
from hetero_unc.reports import figures, html
from hetero_unc.reports.people import reliability_figure

__all__ = ["percentiles_section"]

BINS = 20  # drawn; the correlations in the table say how many they use
RESAMPLES = 200
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
        if np.ptp(doubt) > 0
    }
    said = "; ".join(
        f"{part} {curve.index_correlation('brier'):.2f}" for part, curve in curves.items()
    )
    excess_said = "; ".join(
        f"{part} {curve.index_correlation('excess'):.2f}" for part, curve in curves.items()
    )
    brier = [_series(curve, part, "brier", *STYLES[part]) for part, curve in curves.items()]
    total = curves["total"]
    brier.append(_series(total, "null of total", "null", "quiet", (0, (1, 3))))
    drawings = (
        reliability_figure(runs, name),
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
    text = (
        "Left: each vote is a trial; bars are 95 % intervals by image, and bins of a few images "
        f"have none. Then, for {run.name}: the Brier score over the votes rises with doubt, as the "
        "paper shows. A forecast from which the votes were really drawn would show the dotted "
        "line, so the rise is no sign of bad calibration. The excess is: above 0 the network is "
        "too sure there, below it too doubtful."
    )
    return html.Section(
        name,
        "Does doubt find bad calibration?",
        (
            html.Text(text),
            html.Figures(drawings),
            _table(runs),
            html.Details("Tenths of total doubt", tuple(_tenths(run) for run in runs)),
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


def _table(runs):
    rows = []
    for run in runs:
        for part in run.doubts():
            if run.row.get(f"brier_{part}") is not None:
                rows.append(
                    (
                        run.name,
                        part,
                        run.number(f"brier_{part}"),
                        run.number(f"brier_null_{part}"),
                        run.number(f"brier_excess_{part}"),
                        str(run.row["brier_bins"]),
                    )
                )
    return html.Table(
        "Correlation of the percentile with the Brier score, the same with votes drawn from the "
        "forecast itself, and with the excess. The paper: .880 aleatoric, .710 epistemic, .884 "
        "total, number of bins not stated. A few dependent points: p-values would mean nothing.",
        ("network", "doubt", "r with Brier", "calibrated null", "r with excess", "bins"),
        tuple(rows),
        text_columns=(0, 1),
    )
