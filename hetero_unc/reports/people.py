"""Calibration against people: reliability over annotations, its errors, and what mends them."""

import numpy as np

from hetero_unc.metrics import bootstrap_interval, vote_reliability_curve
from hetero_unc.reports import figures, html

__all__ = ["CALIBRATION_NUMBERS", "people_section", "reliability_figure"]

BINS = 15
RESAMPLES = 200
SIDE_STEP = 0.008  # in confidence, so that the intervals of several runs do not hide each other
CALIBRATION_NUMBERS = {  # key in the row -> heading
    "ece_votes": "ECE",
    "ece_votes_equal_mass": "ECE, equal mass",
    "ece_votes_debiased": "debiased RMS",
    "mce_votes": "MCE",
    "sce_votes": "SCE",
    "ace_votes": "ACE",
    "tace_votes": "thresholded ACE",
    "total_variation": "total variation",
    "entropy_calibration": "entropy error",
    "brier_votes": "Brier per vote",
    "brier_distance": "of it, distance",
    "ece_majority": "ECE, majority label",
}
MAJORITY_NUMBERS = {
    "ece_majority": "ECE",
    "mce_majority": "MCE",
    "sce_majority": "SCE",
    "ace_majority": "ACE",
    "tace_majority": "thresholded ACE",
}


def reliability_figure(runs, name="people"):
    """Share of votes for the read class against confidence, with intervals by image.

    `name` tells its drawing from others on a page.
    """
    errors = ", ".join(f"{run.name} {run.number('ece_votes')}" for run in runs)
    return html.Figure(
        figures.draw_series(
            f"{name}-reliability",
            [_reliability(run, place - (len(runs) - 1) / 2) for place, run in enumerate(runs)],
            x_label="confidence",
            y_label="share of the votes",
            x_limits=(0, 1.02),
            y_limits=(0, 1.02),
            x_percent=True,
            y_percent=True,
            diagonal=True,
        ),
        f"Reliability over pairs of annotation and image, in {BINS} bins, with 95 percent "
        f"intervals by image, identical ones together. Calibration errors: {errors}.",
        "Reliability",
    )


def people_section(runs, before_and_after=()):
    """The family of calibration errors of each run, and calibrators before and after.

    Parameters
    ----------
    runs : sequence of VotedRun
    before_and_after : sequence of (str, dict)
        A calibrator in words, and its numbers on these items by the keys of
        `CALIBRATION_NUMBERS`, and `cross_entropy`.
    """
    columns = {"ece_votes_null": "ECE, calibrated null", **CALIBRATION_NUMBERS}
    table = html.Table(
        "Each annotation of an image is one trial. ECE, MCE: top label, equal width; SCE, ACE and "
        "thresholded ACE: every class. Total variation and entropy error (Baan et al., 2022) "
        "compare whole distributions and are not 0 for ten votes, however good the forecast. Brier "
        "splits exactly into the distance to the vote shares and the votes' own disagreement. "
        "Calibrated null: the ECE of votes drawn from the forecast itself, which so few images do "
        "not let be 0.",
        ("network", *columns.values()),
        tuple((run.name, *(run.number(key) for key in columns)) for run in runs),
    )
    majority = html.Table(
        "The same errors against the class with most votes, one label an image, as the paper's "
        "appendix also has them.",
        ("network", *MAJORITY_NUMBERS.values()),
        tuple((run.name, *(run.number(key) for key in MAJORITY_NUMBERS)) for run in runs),
    )
    blocks = [
        html.Text(
            "A network calibrated to people says 60 % where six of ten say so. Against the "
            "majority label alone it then looks under-confident, so the last column is never a "
            "goal."
        ),
        table,
        html.Details("Against the majority label", (majority,)),
    ]
    if before_and_after:
        keys = {"cross_entropy": "cross-entropy, nats", **CALIBRATION_NUMBERS}
        blocks.append(
            html.Table(
                f"{runs[0].name}: calibrators fitted on the votes of the validation images, here "
                "on the test images.",
                ("calibrator", *keys.values()),
                tuple(
                    (name, *(f"{numbers[key]:.3f}" for key in keys))
                    for name, numbers in before_and_after
                ),
            )
        )
    return html.Section("people", "Calibrated to people?", tuple(blocks))


def _reliability(run, step):
    curve = vote_reliability_curve(run.votes, run.summary.probabilities, n_bins=BINS)
    full = curve.count > 0
    interval = bootstrap_interval(
        lambda votes, forecast: vote_reliability_curve(votes, forecast, n_bins=BINS).accuracy,
        run.votes,
        run.summary.probabilities,
        groups=run.groups,
        resamples=RESAMPLES,
    )
    # A bin so small that some draw leaves it empty is drawn without an interval.
    low = np.where(np.isfinite(interval.low), interval.low, curve.accuracy)[full]
    high = np.where(np.isfinite(interval.high), interval.high, curve.accuracy)[full]
    return figures.Series(
        run.name,
        curve.confidence[full] + SIDE_STEP * step,
        curve.accuracy[full],
        run.colour,
        line="",
        marker=run.marker,
        low=low,
        high=high,
    )
