"""Gaussian logits of single items: a Normal for each class, as the blog's Figures 5 to 8."""

import numpy as np

from hetero_unc.formats import format_nats, format_percent
from hetero_unc.reports import html
from hetero_unc.reports.normal_curves import draw_normals
from hetero_unc.reports.svg import picture

__all__ = ["choose_digits", "normals_section"]


def normals_section(dataset, runs):
    """The chosen digits' Normals under the first run that has them, the others' folded away."""
    title = "Ten Normals for one digit"
    runs = [run for run in runs if run.scale is not None]
    if not runs:
        return html.left_out("normals", title, "no run here has Gaussian logits")
    chosen = choose_digits(
        dataset.test_labels, runs[0].summary.probabilities, runs[0].summary.total
    )
    blocks = [
        html.Text(
            "The head gives each class a Normal over its logit: loc says how strongly the image "
            "speaks for it, scale how much that may vary from one look to the next. Two Normals "
            "that overlap are two readings. Each is drawn to the same height, with dropout off: "
            "what is read is solid blue, the label, if it is another, dashed amber. The "
            "blog's Figures 5 to 8, rebuilt from its text."
        ),
        *(_normals(dataset, runs[0], item, why) for item, why in chosen),
    ]
    for run in runs[1:]:
        blocks.append(
            html.Details(
                f"The same digits under {run.name}",
                tuple(_normals(dataset, run, item, why) for item, why in chosen),
            )
        )
    return html.Section("normals", title, tuple(blocks))


def choose_digits(labels, probabilities, total):
    """The blog's four digits among the test items at hand.

    A confident 8; a 3 that competes with 8; a 9 mistaken for 8; a 6 in deep doubt. Where there is
    no such item, the nearest to it, and the reason says so.

    Returns
    -------
    list of (int, str)
        Index and reason; a digit without any item is left out.
    """
    predicted = probabilities.argmax(axis=1)
    top_two = np.sort(np.argsort(-probabilities, axis=1, kind="stable")[:, :2], axis=1)
    is_3, is_8 = labels == 3, labels == 8
    is_9, is_6 = labels == 9, labels == 6
    rules = (  # for each digit the first rule that some item meets: which, by what, why
        [
            (is_8 & (predicted == 8), -total, "The 8 with the least doubt"),
            (is_8, -total, "The 8 with the least doubt (none is read as 8)"),
        ],
        [
            (
                is_3 & (top_two == (3, 8)).all(axis=1),
                total,
                "The most doubted 3 that competes with 8",
            ),
            (is_3, total, "The most doubted 3 (none competes with 8)"),
        ],
        [
            (is_9 & (predicted == 8), total, "The most doubted 9 that is read as 8"),
            (
                is_9 & (predicted != 9),
                total,
                "The most doubted 9 that is mistaken (none is read as 8)",
            ),
            (is_9, total, "The most doubted 9 (none is mistaken)"),
        ],
        [
            (is_6 & (predicted != 6), total, "The most doubted 6 that is mistaken"),
            (is_6, total, "The most doubted 6 (none is mistaken)"),
        ],
    )
    chosen = []
    for alternatives in rules:
        for mask, values, why in alternatives:
            if mask.any():
                items = np.flatnonzero(mask)
                chosen.append((int(items[np.argmax(values[items])]), why))
                break
    return chosen


def _normals(dataset, run, item, why):
    names, label = dataset.class_names, int(dataset.test_labels[item])
    probabilities, loc, scale = run.summary.probabilities[item], run.loc[item], run.scale[item]
    first, second = (int(k) for k in np.argsort(-probabilities, kind="stable")[:2])
    top = [int(k) for k in np.argsort(-loc, kind="stable")[:3]]
    lines = {**dict.fromkeys(top, ("teal", ":")), label: ("amber", "--"), first: ("blue", "-")}
    logits = "; ".join(f"{names[k]} at {loc[k]:.2f} ± {scale[k]:.2g}" for k in top)
    caption = (
        f"{why}. Test image {run.summary.ids[item]}, labelled {names[label]}: read as "
        f"{names[first]} with {format_percent(probabilities[first], 1)}, or else {names[second]} "
        f"with {format_percent(probabilities[second], 1)}; doubt "
        f"{format_nats(run.summary.total[item])} nats. Logits, loc ± scale: {logits}."
    )
    slug = f"normals-{run.name.lower().replace(' ', '-')}-{item}"
    return html.Figures(
        (
            html.Figure(
                draw_normals(f"{slug}-all", loc, scale, names, lines=lines),
                f"Ten Normals over the logit. Furthest right: {logits}.",
                "All ten",
            ),
            html.Figure(
                draw_normals(f"{slug}-top", loc, scale, names, shown=top, lines=lines),
                f"The three furthest right, enlarged: {logits}.",
                "The top three",
            ),
        ),
        caption=caption,
        picture=picture(dataset.test_images[item]),
        picture_alt=f"Test image {run.summary.ids[item]}, labelled {names[label]}",
    )
