"""The items themselves: the most and the least doubted, and the table of those set aside."""

import numpy as np

from hetero_unc.formats import format_nats, format_percent
from hetero_unc.reports import html
from hetero_unc.reports.doubt import PARTS, SHARES, is_about_the_image, set_aside
from hetero_unc.reports.svg import picture

__all__ = ["gallery_section"]

TILES = 10


def gallery_section(dataset, run):
    """Galleries by each part of doubt, the surest mistakes, and all items set aside."""
    wrong = run.predicted != dataset.test_labels
    blocks = [
        html.Text(
            "Below each image: its label, what the network reads (coloured where that is wrong), "
            "and the doubt in nats."
        )
    ]
    for part in PARTS:
        values = getattr(run.summary, part)
        order = np.argsort(values, kind="stable")
        for title, items in (("Highest", order[::-1][:TILES]), ("Lowest", order[:TILES])):
            tiles = tuple(_tile(dataset, run, i, values[i]) for i in items)
            blocks.append(html.Gallery(f"{title} {part} doubt", tiles))
    sure = np.flatnonzero(wrong)
    sure = sure[np.argsort(run.summary.total[sure], kind="stable")][:TILES]
    if len(sure):
        tiles = tuple(_tile(dataset, run, i, run.summary.total[i]) for i in sure)
        caption = "A threshold on doubt finds these last. Some are labels that deserve a check."
        blocks.append(html.Gallery("Wrong with the least doubt", tiles, caption))
    blocks.append(_table_of_set_aside(dataset, run, wrong))
    return html.Section("digits", "The digits themselves", tuple(blocks))


def _table_of_set_aside(dataset, run, wrong):
    summary, names, labels = run.summary, dataset.class_names, dataset.test_labels
    share, items = set_aside(summary.total, wrong)
    runner_up = np.argsort(-summary.probabilities, axis=1, kind="stable")[:, 1]
    about_the_image = is_about_the_image(summary)
    rows = tuple(
        (
            str(summary.ids[i]),
            names[labels[i]],
            names[run.predicted[i]] + (" (wrong)" if wrong[i] else ""),
            names[runner_up[i]],
            format_nats(summary.total[i]),
            format_nats(summary.aleatoric[i]),
            format_nats(summary.epistemic[i]),
            "show to a person" if about_the_image[i] else "collect more",
        )
        for i in items
    )
    columns = ("image", "label", "read as", "or else", "total", "aleatoric", "epistemic", "do")
    shares = ", ".join(f"{100 * s:.0f}" for s in SHARES)
    caption = (
        f"The {format_percent(share, 0)} of the test images doubted most, in nats; images are "
        f"counted from 0. It is the smallest of {shares} % that holds half of the mistakes, read "
        "off these very images: on your own data, choose anew."
    )
    table = html.Table(caption, columns, rows, text_columns=(0, 1, 2, 3, 7))
    return html.Details(f"All {len(items):,} digits set aside, and what to do with each", (table,))


def _tile(dataset, run, item, value):
    name = dataset.class_names[dataset.test_labels[item]]
    read_as = dataset.class_names[run.predicted[item]]
    return html.Tile(
        picture(dataset.test_images[item]),
        alt=f"Test image {run.summary.ids[item]}, labelled {name}",
        lines=(f"label {name}", f"read as {read_as}", f"{format_nats(value, tiny=None)} nats"),
        marked=name != read_as,
    )
