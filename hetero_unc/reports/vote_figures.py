"""Drawings of labels by several people: shares of classes side by side, and histograms."""

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from hetero_unc.reports.figures import add_legend
from hetero_unc.reports.svg import COLOURS, draw_figure

__all__ = ["draw_paired_bars", "draw_shares"]


def draw_paired_bars(name, labels, groups, *, x_label):
    """Draw horizontal bars side by side, one of each group for each label.

    Parameters
    ----------
    name : str
        Unique in its page.
    labels : sequence of str
        From top to bottom.
    groups : dict of str to (shares, colour)
        At most two; shares in [0, 1], one a label.
    """

    def draw(axes):
        rows = np.arange(len(labels))[::-1]
        height = 0.8 / len(groups)
        for place, (label, (shares, colour)) in enumerate(groups.items()):
            axes.barh(
                rows + 0.4 - height * (place + 0.5),
                shares,
                height=height,
                color=COLOURS[colour] if place == 0 else "none",
                edgecolor=COLOURS[colour],
                linewidth=1,
                label=label,
            )
        axes.set_yticks(rows, labels)
        axes.tick_params(axis="y", length=0)
        axes.set(xlabel=x_label, ylim=(-0.6, len(labels) - 0.4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g} %"))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.spines["left"].set_visible(False)
        add_legend(axes)

    return draw_figure(name, draw, height=300)


def draw_shares(name, edges, groups, *, x_label):
    """Draw the share of each group's items in bins, as stairs.

    Parameters
    ----------
    name : str
        Unique in its page.
    edges : float array of shape (B + 1,)
        Of the bins; a value on an edge belongs to the bin above it, the last edge to the last bin.
    groups : dict of str to (values, colour, line)
        Values of shape (n,), n >= 1.
    """

    def draw(axes):
        for label, (values, colour, line) in groups.items():
            counts, _ = np.histogram(values, edges)
            axes.stairs(
                counts / len(values),
                edges,
                color=COLOURS[colour],
                linestyle=line,
                linewidth=1.6,
                label=f"{label} ({len(values):,})",
            )
        axes.set(xlabel=x_label, ylabel="share of the images", xlim=(edges[0], edges[-1]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g} %"))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
        add_legend(axes)

    return draw_figure(name, draw, height=300)
