"""Labels that contradict at a known rate: where doubt appears, which loss learns the scale."""

import math

import numpy as np

from hetero_unc.formats import format_nats, format_percent
from hetero_unc.reports import figures, html

__all__ = ["collapse_section", "flipped_section"]


def collapse_section(found, styles):
    """The learned scale against the rate of contradictions, under two losses.

    Parameters
    ----------
    found : dict
        The content of `collapse.json`; experiments/collapse.py describes it.
    styles : dict of str to (name, colour, line, marker)
        For each key of `found` that is a loss.
    """
    losses = [loss for loss in styles if loss in found]
    by_rate, by_epoch, curve = [], [], []
    for loss in losses:
        name, colour, line, marker = styles[loss]
        mean, spread = (np.array(found[loss][key]) for key in ("scale_mean", "scale_sd"))
        low, high = np.maximum(mean - spread, 0), mean + spread
        by_rate.append(figures.Series(name, found["rates"], mean, colour, line, marker, low, high))
        steps = found[loss]["trajectory"]
        by_epoch.append(figures.Series(name, steps["epoch"], steps["scale"], colour, line))
        for side, style in (("right", ":"), ("wrong", "-")):
            values = found["curve"][side][loss]
            label = f"{name}, label {side}"
            curve.append(figures.Series(label, found["curve"]["scale"], values, colour, style))
    ends = "; ".join(
        f"{styles[loss][0]} {found[loss]['scale_mean'][0]:.2g} where no label contradicts and "
        f"{found[loss]['scale_mean'][-1]:.2g} where {format_percent(found['rates'][-1], 0)} do"
        for loss in losses
    )
    drawings = (
        html.Figure(
            figures.draw_series(
                "collapse-rate",
                by_rate,
                x_label="rate of contradicting labels",
                y_label="learned scale",
                x_percent=True,
            ),
            f"Learned scale against the rate of contradictions: {ends}.",
            "Learned scale",
        ),
        html.Figure(
            figures.draw_series(
                "collapse-epoch", by_epoch, x_label="epoch", y_label="mean scale", whole_x=True
            ),
            "Mean scale by epoch under each loss, from the same start.",
            "While training",
        ),
        html.Figure(
            figures.draw_series("collapse-curve", curve, x_label="scale", y_label="loss, nats"),
            "Both losses against the scale, for loc (3, 0, 0). Only the marginal likelihood ever "
            "falls, and only where the label is wrong.",
            "Why: both losses at loc = (3, 0, 0)",
        ),
    )
    return html.Section(
        "collapse",
        "Which loss learns the scale?",
        (
            html.Text(
                "On labels that contradict each other at a known rate, the scale learned by the "
                "marginal likelihood rises with the rate. Under the expected cross-entropy, the "
                "blog's loss, it falls towards zero whatever the rate, because noise can only "
                "raise that loss. A scale learned by the blog's loss therefore tells how long "
                "training went on, not how ambiguous an image is."
            ),
            html.Figures(drawings, f"Mean scales at the end: {ends}.{_doubts(found)}"),
            html.Text(
                "Even the marginal likelihood's scale is evidence only where loc cannot say the "
                "same: a narrow gap between two locs and a wide gap with much noise predict the "
                "same probabilities. The probabilities and their entropy are what to rely on.",
                quiet=True,
            ),
        ),
    )


def flipped_section(dataset, runs, pairs, rate):
    """Doubt about the classes whose training labels were flipped, against the others.

    Parameters
    ----------
    dataset : ImageDataset
        With its own, untouched test labels.
    runs : sequence of ShownRun
        Trained on the flipped labels.
    pairs : sequence of pairs of int
        Classes whose labels were exchanged.
    rate : float
        Share of the labels of each of these classes.
    """
    labels, names = dataset.test_labels, dataset.class_names
    partner = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
    present = set(np.unique(labels).tolist())
    flipped = [k for k in partner if k in present]
    order = flipped + sorted(present - partner.keys())
    entropy = -rate * math.log(rate) - (1 - rate) * math.log(1 - rate)
    doubt, mass, scales, ends = [], [], [], []
    for step, run in enumerate(runs):
        places = np.arange(len(order)) + 0.2 * (step - (len(runs) - 1) / 2)
        style = {"colour": run.colour, "line": "", "marker": run.marker}
        values = _by_class(run.summary.aleatoric, labels, order)
        doubt.append(figures.Series(run.name, places, values, **style))
        inside, outside = values[: len(flipped)], values[len(flipped) :]
        other = f" against {format_nats(outside.mean())}" if len(outside) else ""
        ends.append(f"{run.name} {format_nats(inside.mean())}{other}")
        other_reading = [run.summary.probabilities[labels == k, partner[k]].mean() for k in flipped]
        mass.append(figures.Series(run.name, places[: len(flipped)], other_reading, **style))
        if run.scale is not None:
            values = _by_class(run.scale.mean(axis=1), labels, order)
            scales.append(figures.Series(run.name, places, values, **style))
    truth = [entropy if k in partner else 0 for k in order]
    places = [names[k] for k in order]
    drawings = [
        html.Figure(
            figures.draw_points(
                "flipped-doubt",
                places,
                doubt,
                y_label="aleatoric doubt, nats",
                references=[("ideal", truth)],
            ),
            f"Mean aleatoric doubt on flipped against untouched digits: {'; '.join(ends)}.",
            "Aleatoric doubt",
        ),
        html.Figure(
            figures.draw_points(
                "flipped-mass",
                [f"{names[k]}→{names[partner[k]]}" for k in flipped],
                mass,
                y_label="probability",
                references=[("ideal", [rate] * len(flipped))],
            ),
            "Mean probability given to the digit that labels were exchanged with.",
            "Probability of the other label",
        ),
    ]
    if scales:
        drawings.append(
            html.Figure(
                figures.draw_points("flipped-scale", places, scales, y_label="mean scale"),
                "Mean learned scale, digit by digit.",
                "Learned scale",
            )
        )
    text = (
        f"{format_percent(rate, 0)} of the training labels of "
        f"{', '.join(f'{names[a]}/{names[b]}' for a, b in pairs)} were exchanged within their "
        f"pair; the other digits and all test labels were left alone. An ideal reader doubts "
        f"{entropy:.3f} nats on the first and none on the others. Mean aleatoric doubt, flipped "
        f"against untouched digits: {'; '.join(ends)} nats."
    )
    return html.Section(
        "flipped",
        "Does doubt appear where labels contradict?",
        (html.Text(text), html.Figures(tuple(drawings))),
    )


def _doubts(found):
    """A sentence where the numbers at hand do not bear out what the section says, else nothing."""
    rises = all(np.diff(found["marginal_likelihood"]["scale_mean"]) > 0)
    start = found["expected_cross_entropy"]["trajectory"]["scale"][0]
    falls = max(found["expected_cross_entropy"]["scale_mean"]) < start
    if rises and falls:
        return ""
    return " This training is too short to show it: the scales have not got that far."


def _by_class(values, labels, classes):
    return np.array([values[labels == k].mean() for k in classes])
