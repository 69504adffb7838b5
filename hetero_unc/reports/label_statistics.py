"""What people said about the items, before any network: classes, and how far they disagree."""

import numpy as np

from hetero_unc.formats import format_percent
from hetero_unc.metrics import disagreement, label_entropy, unbiased_disagreement
from hetero_unc.reports import html, vote_figures

__all__ = ["label_statistics_section"]

COUNTS = (
    "part",
    "images",
    "votes",
    "unanimous",
    "ties",
    "strict majority",
    "mean d",
    "SD of d",
    "unbiased",
    "mean entropy",
)
STYLES = (("blue", "-"), ("amber", "--"), ("teal", ":"))


def label_statistics_section(splits, class_names):
    """Class shares, the histogram of disagreement, and a table of counts.

    Parameters
    ----------
    splits : dict of str to int array of shape (N, C)
        Name of a part of the data -> votes of its rows; one to three parts, the first is drawn.
    class_names : sequence of str
        Of the C classes.
    """
    name, votes = next(iter(splits.items()))
    votes_of_class = votes.sum(axis=0) / votes.sum()
    first = np.bincount(votes.argmax(axis=1), minlength=votes.shape[1]) / len(votes)
    spread = {part: disagreement(votes) for part, votes in splits.items()}
    drawings = (
        html.Figure(
            vote_figures.draw_paired_bars(
                "labels-classes",
                class_names,
                {"all votes": (votes_of_class, "amber"), "most votes": (first, "blue")},
                x_label=f"share, {name}",
            ),
            f"Bars for each class of {name}: its share of all votes, and of the images on which it "
            "has the most votes.",
            "Classes",
        ),
        html.Figure(
            vote_figures.draw_shares(
                "labels-disagreement",
                np.linspace(0, 1, 21),
                {
                    part: (values, *style)
                    for (part, values), style in zip(spread.items(), STYLES, strict=False)
                },
                x_label="disagreement d",
            ),
            "Histogram of the disagreement of the votes. Means: "
            + ", ".join(f"{part} {values.mean():.3f}" for part, values in spread.items())
            + ".",
            "How far people disagree",
        ),
    )
    rare = class_names[int(votes_of_class.argmin())]
    text = (
        "d = 1 − Σp² is the chance that two votes drawn from an image's own votes differ: 0 where "
        f"all agree. The rarest class, {rare}, has {format_percent(votes_of_class.min(), 1)} of "
        f"the votes and the most votes on {format_percent(first[votes_of_class.argmin()], 1)} of "
        "the images: what is voted for seldom wins, and a label by majority hides it."
    )
    table = html.Table(
        "Rows kept by the protocol of each part. Unbiased: two different votes of an image, d "
        "n/(n − 1). A tie has no single class with most votes; the first of them counts.",
        COUNTS,
        tuple(_counts(part, votes) for part, votes in splits.items()),
    )
    classes = html.Table(
        "For each class: images on which it has the most votes (the first of equals), and votes.",
        ("class", *(f"{part}, {what}" for part in splits for what in ("images", "votes"))),
        tuple(
            (
                label,
                *(
                    f"{count:,}"
                    for votes in splits.values()
                    for count in ((votes.argmax(axis=1) == k).sum(), votes[:, k].sum())
                ),
            )
            for k, label in enumerate(class_names)
        ),
    )
    return html.Section(
        "labels",
        "What people said",
        (
            html.Text(text),
            html.Figures(drawings),
            table,
            html.Details("Counts by class", (classes,)),
        ),
    )


def _counts(part, votes):
    top = votes.max(axis=1, keepdims=True)
    total = votes.sum(axis=1)
    d = disagreement(votes)
    more = total > 1  # one vote says nothing about disagreement
    return (
        part,
        f"{len(votes):,}",
        f"{votes.sum():,}",
        f"{(top[:, 0] == total).sum():,}",
        f"{((votes == top).sum(axis=1) > 1).sum():,}",
        f"{(2 * top[:, 0] > total).sum():,}",
        f"{d.mean():.4f}",
        f"{d.std():.4f}",
        f"{unbiased_disagreement(votes[more]).mean():.4f}",
        f"{label_entropy(votes).mean():.4f}",
    )
