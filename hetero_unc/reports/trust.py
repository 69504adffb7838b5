"""Whether probabilities and doubt can be trusted: training, reliability, risk and coverage."""

import numpy as np

from hetero_unc.formats import format_percent
from hetero_unc.metrics import expected_calibration_error, reliability_curve, risk_coverage_curve
from hetero_unc.reports import figures, html

__all__ = ["interval_of_share", "training_section", "trust_section"]

ZOOM = 0.9  # coverage from which the second risk-coverage drawing shows
SIDE_STEP = 0.008  # in confidence, so that the intervals of several runs do not hide each other


def training_section(runs, *, items):
    """Error and loss epoch by epoch; `items` says in words on which items."""
    runs = [run for run in runs if run.history]
    if not runs:
        return html.left_out("training", "Training", "the runs have no history.csv")
    error = [_by_epoch(run, 1 - run.history["val_accuracy"]) for run in runs]
    loss = [_by_epoch(run, run.history["val_loss"]) for run in runs]
    ends = ", ".join(f"{one.label} {format_percent(one.y[-1])}" for one in error)
    drawings = (
        html.Figure(
            figures.draw_series(
                "training-error",
                error,
                x_label="epoch",
                y_label="wrong",
                y_percent=True,
                whole_x=True,
            ),
            f"Share of wrong {items} by epoch. After the last: {ends}.",
            f"Wrong {items}",
        ),
        html.Figure(
            figures.draw_series(
                "training-loss",
                loss,
                x_label="epoch",
                y_label="loss, nats",
                whole_x=True,
            ),
            f"Loss on the {items} by epoch, of each method.",
            f"Loss on the {items}",
        ),
    )
    caption = (
        "Dropout is off. The losses are not one quantity: of the same logits, the marginal "
        "likelihood's is never above the expected cross-entropy."
    )
    return html.Section("training", "Training", (html.Figures(drawings, caption),))


def trust_section(labels, runs):
    """Reliability with intervals, and the risk of what is kept when the most doubted is not."""
    axes = {
        "x_label": "share of digits kept",
        "y_label": "wrong among those kept",
        "x_percent": True,
        "y_percent": True,
    }
    curves = [_risk(labels, run, 0) for run in runs]
    zoomed = [_risk(labels, run, ZOOM) for run in runs]
    errors = ", ".join(
        f"{run.name} {expected_calibration_error(labels, run.summary.probabilities):.4f}"
        for run in runs
    )
    drawings = (
        html.Figure(
            figures.draw_series(
                "reliability",
                [_reliability(labels, run, step) for step, run in enumerate(runs)],
                x_label="confidence",
                y_label="accuracy",
                x_limits=(0, 1.02),
                y_limits=(0, 1.02),
                x_percent=True,
                y_percent=True,
                diagonal=True,
            ),
            "Reliability diagram: accuracy against confidence in 15 bins, with 95 percent "
            f"intervals. Expected calibration errors: {errors}.",
            "Reliability",
        ),
        html.Figure(
            figures.draw_series("coverage", curves, x_limits=(0, 1), **axes),
            "Share of wrong digits among those kept, from the least doubted to all.",
            "Risk and coverage",
        ),
        html.Figure(
            figures.draw_series("coverage-zoom", zoomed, x_limits=(ZOOM, 1), **axes),
            f"The same curves from {format_percent(ZOOM, 0)} kept to all. With all kept, wrong: "
            + ", ".join(f"{one.label} {format_percent(one.y[-1])}" for one in zoomed)
            + ".",
            "Risk and coverage, enlarged",
        ),
    )
    caption = (
        "Reliability: a point below the dotted line is over-confident; bars are 95 % intervals, "
        "long where a bin holds few digits, as all but the last do. Risk and coverage: the digits "
        "are kept from the least doubted to the most, so a good doubt keeps the curve low until "
        f"its end. Expected calibration error: {errors}."
    )
    return html.Section(
        "trust", "Can its probabilities be trusted?", (html.Figures(drawings, caption),)
    )


def interval_of_share(share, count):
    """Wilson's 95 % interval of a share of `count` >= 1 trials.

    Parameters
    ----------
    share, count : float arrays of shape (n,)

    Returns
    -------
    low, high : float arrays of shape (n,)
    """
    z = 1.959964
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    return centre - half, centre + half


def _by_epoch(run, values):
    epochs = run.history["epoch"]
    # Keras counts epochs from 0, readers from 1.
    return figures.Series(run.name, epochs - epochs[0] + 1, values, run.colour, run.line)


def _reliability(labels, run, step):
    curve = reliability_curve(labels, run.summary.probabilities)
    full = curve.count > 0
    low, high = interval_of_share(curve.accuracy[full], curve.count[full])
    return figures.Series(
        run.name,
        curve.confidence[full] + SIDE_STEP * (step - 1),
        curve.accuracy[full],
        run.colour,
        line="",
        marker=run.marker,
        low=low,
        high=high,
    )


def _risk(labels, run, first):
    curve = risk_coverage_curve(labels, run.summary.probabilities, run.summary.total)
    shown = np.flatnonzero(curve.coverage >= first)
    # A point a pixel is enough; the last one stays, because it is the error with all kept.
    shown = np.unique(np.append(shown[:: max(1, len(shown) // 400)], shown[-1]))
    return figures.Series(run.name, curve.coverage[shown], curve.risk[shown], run.colour, run.line)
