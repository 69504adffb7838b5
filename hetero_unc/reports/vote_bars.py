"""Images with their votes drawn as bars, and what the network forecast as a line on each bar."""

import numpy as np

from hetero_unc.formats import format_percent
from hetero_unc.reports import html
from hetero_unc.reports.svg import picture

__all__ = ["BARS_EXPLAINED", "vote_gallery", "vote_tile"]

BARS_EXPLAINED = (
    "Bars are the shares of the votes that each class got, the upright lines what the network "
    "forecast for it; the full width is 100 %."
)


def vote_gallery(title, run, items, quantity, values, *, caption=""):
    """A gallery of `items` of a `VotedRun`, in their order.

    Parameters
    ----------
    title : str
    run : VotedRun
    items : sequence of int
        Positions in the run.
    quantity : str
        What `values` are, for the last line of each tile.
    values : float array of shape (N,)
        One value for each item of the run.
    caption : str
    """
    tiles = tuple(vote_tile(run, item, f"{quantity} {values[item]:.3f}") for item in items)
    return html.Gallery(title, tiles, caption)


def vote_tile(run, item, line):
    """A tile of one item: its image, what is read, `line`, and a bar for each class."""
    shares, forecast = run.shares[item], run.summary.probabilities[item]
    voted = " and ".join(
        f"{name} {format_percent(share, 0)}"
        for name, share in zip(run.class_names, shares, strict=True)
        if share > 0
    )
    read_as = run.class_names[run.predicted[item]]
    return html.Tile(
        picture(run.images[item].astype(np.float32) / 255),
        alt=f"Row {run.summary.ids[item]}. Votes: {voted}. The network reads {read_as}.",
        lines=(f"row {run.summary.ids[item]}", f"read as {read_as}", line),
        marked=bool(shares[run.predicted[item]] == 0),
        bars=tuple(
            html.Bar(name, float(share), float(probability))
            for name, share, probability in zip(run.class_names, shares, forecast, strict=True)
        ),
    )
