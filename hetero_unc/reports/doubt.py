"""How doubtful the items are, why, and what to do: a page's first screen, and the distributions."""

import math

import numpy as np

from hetero_unc.formats import format_nats, format_percent
from hetero_unc.reports import figures, html

__all__ = ["PARTS", "SHARES", "doubt_section", "is_about_the_image", "opening", "set_aside"]

PARTS = ("total", "aleatoric", "epistemic")
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)  # of the items, to be looked at by a person
SMALLEST_DRAWN = 1e-6  # nats
LARGEST_TRUSTED_RISK = 0.02  # share of mistakes among what is kept


def set_aside(total, wrong):
    """The smallest of `SHARES` whose most doubted items hold at least half of the mistakes.

    Parameters
    ----------
    total : float array of shape (N,)
    wrong : bool array of shape (N,)

    Returns
    -------
    share : float
        The largest of `SHARES` if none holds half.
    items : int array
        Indices, the most doubted first; at least one.
    """
    order = np.argsort(-total, kind="stable")
    for share in SHARES:
        items = order[: max(1, round(share * len(total)))]
        if 2 * wrong[items].sum() >= wrong.sum():
            break
    return share, items


def is_about_the_image(summary):
    """Where at least half of the doubt is aleatoric, bool of shape (N,)."""
    return summary.aleatoric >= summary.epistemic


def opening(dataset, run):
    """Blocks of the first screen: how doubtful each class is, why, and what to do."""
    labels, summary = dataset.test_labels, run.summary
    wrong = run.predicted != labels
    share, items = set_aside(summary.total, wrong)
    caught, mistakes, count = int(wrong[items].sum()), int(wrong.sum()), len(labels)
    blind = math.log(summary.probabilities.shape[1])
    lead = (
        f"The network reads {count - mistakes:,} of {count:,} test digits correctly, and says of "
        f"each how much it doubts it: 0 nats is no doubt, {blind:.2f} a blind guess. "
    )
    if mistakes:
        lead += (
            f"The {len(items):,} it doubts most ({format_percent(share, 0)}) hold {caught} of its "
            f"{mistakes} mistakes."
        )
    own = summary.aleatoric.mean() / max(summary.total.mean(), 1e-12)
    facts = (
        html.Fact(format_percent(1 - mistakes / count), "read correctly", f"{mistakes} are wrong"),
        html.Fact(
            format_percent(caught / max(1, mistakes), 0),
            "of the mistakes found",
            f"by looking at {format_percent(share, 0)}",
        ),
        html.Fact(format_percent(own, 0), "of doubt is aleatoric", "the rest is epistemic"),
    )
    left = (
        html.Text(lead),
        html.Facts(facts),
        html.Steps(tuple(_advice(dataset, run, items, wrong))),
    )
    return (html.Columns(left, (_doubt_by_class(dataset, run), _reading_notes())),)


def doubt_section(dataset, run):
    """The parts of doubt about right, wrong and foreign items, as histograms."""
    wrong = run.predicted != dataset.test_labels
    high = math.log(run.summary.probabilities.shape[1])
    drawings = []
    for part in PARTS:
        values = getattr(run.summary, part)
        groups = {"right": (values[~wrong], "blue", "-"), "wrong": (values[wrong], "rose", "--")}
        if run.shifted is not None:
            groups[dataset.shifted_name] = (getattr(run.shifted, part), "ink", ":")
        medians = ", ".join(
            f"{label} {format_nats(np.median(group[0]))}"
            for label, group in groups.items()
            if len(group[0])
        )
        drawing = figures.draw_log_histograms(
            f"doubt-{part}", groups, x_label=f"{part} doubt, nats", low=SMALLEST_DRAWN, high=high
        )
        alt = f"Histograms of {part} doubt. Medians in nats: {medians}."
        drawings.append(html.Figure(drawing, alt, part.capitalize()))
    caption = (
        "Useful doubt is low where the network is right, and high where it is wrong or the image "
        "is none of its classes. The axis is logarithmic; what is below 0.000001 nats stands in "
        "the first bin."
    )
    return html.Section(
        "doubt",
        "Doubt about right, wrong and other images",
        (html.Figures(tuple(drawings), caption),),
    )


def _advice(dataset, run, items, wrong):
    summary, threshold = run.summary, run.summary.total[items].min()
    kept = len(wrong) - len(items)
    missed = int(wrong.sum() - wrong[items].sum())
    to_look_at = int(is_about_the_image(summary)[items].sum())
    to_learn = len(items) - to_look_at
    if missed > LARGEST_TRUSTED_RISK * kept:
        yield (
            "Train longer first.",
            (
                f"More than {format_percent(LARGEST_TRUSTED_RISK, 0)} of what it hardly doubts is "
                "wrong, so its doubt says more about the network than about the images."
            ),
        )
    yield (
        f"Keep {kept:,} as read.",
        (
            f"Doubt below {format_nats(threshold)} nats; {missed} of them "
            f"({format_percent(missed / max(1, kept))}) are wrong all the same."
        ),
    )
    if to_look_at:
        yield (
            f"Show {to_look_at:,} to a person.",
            (
                "Their doubt is mostly aleatoric: the image leaves two readings open. A second "
                "reader can settle it, more training hardly will."
            ),
        )
    if to_learn:
        yield (
            f"Collect more like {to_learn:,}.",
            (
                "Their doubt is mostly epistemic: the passes disagree, and more examples of "
                "the kind would settle it."
            ),
        )
    if run.shifted is not None:
        alarm = float((run.shifted.total >= threshold).mean())
        yield (
            "Keep other images out.",
            (
                f"Of {dataset.shifted_name}, {format_percent(alarm, 0)} are doubted as much as the "
                f"{len(items):,} above; the rest would pass for digits."
            ),
        )


def _doubt_by_class(dataset, run):
    labels = dataset.test_labels
    classes = [int(k) for k in np.unique(labels)]
    means = {
        part: np.array([getattr(run.summary, part)[labels == k].mean() for k in classes])
        for part in PARTS
    }
    names = [dataset.class_names[k] for k in classes]
    most, least = int(means["total"].argmax()), int(means["total"].argmin())
    drawing = figures.draw_stacked_bars(
        "doubt-by-class",
        names,
        {
            "aleatoric": (means["aleatoric"], "amber"),
            "epistemic": (np.maximum(means["epistemic"], 0), "teal"),
        },
        x_label="mean doubt, nats",
    )
    alt = (
        "Bars of mean doubt for each digit, in an aleatoric and an epistemic part. The most "
        f"doubted is {names[most]} with {format_nats(means['total'][most])} nats, the least "
        f"{names[least]} with {format_nats(means['total'][least])}."
    )
    return html.Figure(drawing, alt, "Mean doubt about each digit, and why")


def _reading_notes():
    return html.Text(
        "Aleatoric: each single look leaves more than one reading open. Epistemic: the dropout "
        "passes, each a slightly different network, disagree. A guide, not a law: a network short "
        "of examples shows part of that as aleatoric doubt too (arXiv 2402.19460, 2408.12175).",
        quiet=True,
    )
