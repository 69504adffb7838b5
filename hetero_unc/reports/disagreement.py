"""Which doubt follows the disagreement of people, and how far from the ceiling it stays."""

import numpy as np

from hetero_unc.metrics import unbiased_disagreement
from hetero_unc.reports import figures, html

__all__ = ["ceilings_in_words", "disagreement_section"]

DOUBTS = {
    "aleatoric": "aleatoric",
    "epistemic": "epistemic",
    "total": "total",
    "predicted_disagreement": "predicted",
}
CEILINGS = {"noise_ceiling": "split halves", "noise_ceiling_moments": "moments"}
BINS = 20


def disagreement_section(runs, split):
    """Observed against predicted disagreement, and every doubt's correlation with its ceiling.

    Parameters
    ----------
    runs : sequence of VotedRun
        At least one, on the same items.
    split : str
        Its name, in words.
    """
    first = runs[0]
    ceiling = ceilings_in_words(first.row)
    drawings = (
        html.Figure(
            figures.draw_series(
                "disagreement-predicted",
                [_by_bins(run) for run in runs],
                x_label="predicted disagreement",
                y_label="disagreement of two votes",
                x_limits=(0, 0.9),
                y_limits=(0, 0.9),
                diagonal=True,
            ),
            f"Mean disagreement of two different votes, d n/(n − 1), in {BINS} bins of equally "
            "many images, by the disagreement that each network predicts for two people.",
            "What is predicted, and what is",
        ),
        html.Figure(
            figures.draw_points(
                "disagreement-correlations",
                tuple(DOUBTS.values()),
                [_correlations(run, place, len(runs)) for place, run in enumerate(runs)],
                y_label="Pearson r with d",
                references=tuple(
                    (f"ceiling by {words}", np.full(len(DOUBTS), first.row[key]))
                    for key, words in CEILINGS.items()
                    if first.row.get(key) is not None
                ),
            ),
            "Correlation of each doubt with the disagreement of the votes, with 95 percent "
            f"intervals{f', and the noise ceiling, {ceiling}' if ceiling else ''}. "
            + " ".join(
                f"{run.name}: "
                + ", ".join(
                    f"{word} {run.number(f'pearson_{key}')}" for key, word in DOUBTS.items()
                )
                + "."
                for run in runs
            ),
            "Correlation with disagreement",
        ),
    )
    text = (
        f"{split}. d = 1 − Σp² over an image's votes. {_about_the_ceiling(first)}“Predicted” is "
        "the network's own forecast of d. Images are drawn anew for the intervals, identical ones "
        "together; votes of one image are never taken for independent."
    )
    return html.Section(
        "disagreement",
        "Which doubt follows people's disagreement?",
        (
            html.Text(text),
            html.Figures(drawings),
            _correlations_table(runs),
            html.Details("Given confidence, and given aleatoric doubt", (_partial_table(runs),)),
        ),
    )


def ceilings_in_words(row, decimals=3):
    """The noise ceiling of a row as text, with how it was found; empty without any.

    "0.856 by split halves, 0.868 by moments"; split halves alone, which come out a little low, are
    said to be about right.
    """
    found = {words: row.get(key) for key, words in CEILINGS.items()}
    text = ", ".join(
        f"{value:.{decimals}f} by {words}" for words, value in found.items() if value is not None
    )
    return f"about {text}" if text and found["moments"] is None else text


def _about_the_ceiling(run):
    words = ceilings_in_words(run.row)
    if not words:
        alike = "All images have the same d, so nothing can follow it. "
        return "" if np.ptp(run.disagreement) else alike
    by_model = run.number("noise_ceiling_model")
    model = "" if by_model == "–" else f", {by_model} by a model of the crowds"
    return (
        "Ten votes are a noisy reading of the crowd, so that even one who knew every crowd would "
        f"not correlate with d by 1: the ceiling is {words}{model}. Split halves come out too low "
        "by .01 or .02. "
    )


def _by_bins(run):
    # What is predicted is of two people, so an annotator must not be held against himself.
    observed = unbiased_disagreement(run.votes)
    order = np.argsort(run.predicted_disagreement, kind="stable")
    bins = np.array_split(order[np.isfinite(observed[order])], BINS)
    bins = [items for items in bins if len(items)]
    return figures.Series(
        run.name,
        [run.predicted_disagreement[items].mean() for items in bins],
        [observed[items].mean() for items in bins],
        run.colour,
        run.line,
    )


def _correlations(run, place, runs):
    values = [run.row[f"pearson_{key}"] for key in DOUBTS]
    intervals = run.row.get("intervals", {})
    ends = [
        intervals.get(f"pearson_{key}", (value, value))
        for key, value in zip(DOUBTS, values, strict=True)
    ]
    low, high = np.array(ends, dtype=np.float64).T
    step = 0.7 / max(1, runs)
    return figures.Series(
        run.name,
        np.arange(len(DOUBTS)) + step * (place - (runs - 1) / 2),
        np.array(values, dtype=np.float64),
        run.colour,
        "",
        run.marker,
        low=low,
        high=high,
    )


def _correlations_table(runs):
    rows = [
        (
            run.name,
            word,
            run.number(f"pearson_{key}"),
            run.number(f"pearson_{key}_null"),
            run.number(f"spearman_{key}"),
            run.number(f"pearson_{key}_unbiased"),
        )
        for run in runs
        for key, word in DOUBTS.items()
    ]
    return html.Table(
        "Correlation with disagreement [95 % interval]. Calibrated null: were the votes drawn from "
        "the network's own forecast. Unbiased: with d n/(n − 1).",
        ("network", "doubt", "Pearson", "calibrated null", "Spearman", "Pearson, unbiased"),
        tuple(rows),
        text_columns=(0, 1),
    )


def _partial_table(runs):
    return html.Table(
        "Partial correlations with d: what a doubt adds to the largest probability, and what "
        "epistemic doubt adds to aleatoric.",
        (
            "network",
            *(f"{word}, given confidence" for word in DOUBTS.values()),
            "epistemic, given aleatoric",
        ),
        tuple(
            (
                run.name,
                *(run.number(f"partial_{key}_given_confidence") for key in DOUBTS),
                run.number("partial_epistemic_given_aleatoric"),
            )
            for run in runs
        ),
    )
