"""The drawings of the reports: arrays in, SVG out. Nothing here computes a result.

Colours are names of `hetero_unc.reports.svg.COLOURS`; what differs in colour differs in line style
or marker too. Each drawing is made for a column of about 380 pixels, so that its text can be read
on a telephone; wider figures are several drawings side by side.
"""

import dataclasses
import itertools
import math

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from hetero_unc.checks import check_choice
from hetero_unc.reports.svg import COLOURS, draw_figure

__all__ = [
    "Series",
    "draw_log_histograms",
    "draw_points",
    "draw_series",
    "draw_stacked_bars",
]


@dataclasses.dataclass(frozen=True)
class Series:
    """Points that belong together.

    Attributes
    ----------
    label : str
        For the legend; empty for none.
    x, y : array-like of float, shape (n,)
    colour : str
        A name of `COLOURS`.
    line : str
        A matplotlib line style: "-", "--", ":", or "" for points alone.
    marker : str
        A matplotlib marker, or "" for none.
    low, high : array-like of float, shape (n,), optional
        Ends of an interval at each point, drawn as bars where there are markers, else as a band.
    """

    label: str
    x: object
    y: object
    colour: str = "blue"
    line: str = "-"
    marker: str = ""
    low: object = None
    high: object = None

    def __post_init__(self):
        check_choice(self.colour, COLOURS, name="colour")
        if np.shape(self.x) != np.shape(self.y):
            raise ValueError(
                f"`x` and `y` must have the same shape. Received: {np.shape(self.x)}, "
                f"{np.shape(self.y)}"
            )


def draw_series(
    name,
    series,
    *,
    x_label,
    y_label,
    x_limits=None,
    y_limits=None,
    x_percent=False,
    y_percent=False,
    whole_x=False,
    diagonal=False,
):
    """Draw lines or points over a common pair of axes.

    Parameters
    ----------
    name : str
        Unique in its page.
    series : sequence of Series
    x_limits, y_limits : pair of float, optional
    x_percent, y_percent : bool, default=False
        Whether an axis holds shares, to be shown in percent.
    whole_x : bool, default=False
        Whether x takes whole numbers only (epochs).
    diagonal : bool, default=False
        Whether to draw y = x as the ideal.
    """

    def draw(axes):
        if diagonal:
            axes.plot([0, 1], [0, 1], color=COLOURS["quiet"], linewidth=1, linestyle=(0, (1, 3)))
        for one in series:
            _draw_one(axes, one)
        axes.set(xlabel=x_label, ylabel=y_label, xlim=x_limits, ylim=y_limits)
        if x_percent:
            axes.xaxis.set_major_formatter(_percent())
        if y_percent:
            axes.yaxis.set_major_formatter(_percent())
        axes.xaxis.set_major_locator(MaxNLocator(integer=whole_x, nbins=6))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
        add_legend(axes)

    return draw_figure(name, draw)


def draw_log_histograms(name, groups, *, x_label, low, high, n_bins=24):
    """Draw the share of each group in bins of equal ratio from `low` to `high`.

    Values below `low` are counted in the first bin, values above `high` in the last.

    Parameters
    ----------
    groups : dict of str to (values, colour, line)
        Values of shape (n,); an empty group is named in the legend and not drawn.
    """
    edges = np.geomspace(low, high, n_bins + 1)

    def draw(axes):
        for label, (values, colour, line) in groups.items():
            counts, _ = np.histogram(np.clip(values, low, high), edges)
            shares = counts / max(1, counts.sum())
            text = f"{label} ({len(values):,})"
            if line == "-":
                axes.stairs(shares, edges, fill=True, color=COLOURS[colour], alpha=0.15)
            axes.stairs(
                shares, edges, color=COLOURS[colour], linestyle=line, linewidth=1.6, label=text
            )
        axes.set_xscale("log")
        axes.set(xlabel=x_label, ylabel="share of the group", xlim=(low, high))
        axes.xaxis.set_major_formatter(_decades())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(_percent())
        add_legend(axes, columns=1)

    return draw_figure(name, draw, height=300)


def draw_stacked_bars(name, labels, parts, *, x_label):
    """Draw a horizontal bar for each label, made of parts.

    Parameters
    ----------
    labels : sequence of str
        From top to bottom.
    parts : dict of str to (lengths, colour)
        Lengths >= 0, one a label.
    """

    def draw(axes):
        rows = np.arange(len(labels))[::-1]
        start = np.zeros(len(labels))
        for (label, (lengths, colour)), hatch in zip(parts.items(), ("", "////"), strict=False):
            axes.barh(
                rows,
                lengths,
                left=start,
                height=0.68,
                color=COLOURS[colour] if not hatch else "none",
                edgecolor=COLOURS[colour],
                linewidth=1,
                hatch=hatch,
                label=label,
            )
            start = start + np.asarray(lengths)
        axes.set_yticks(rows, labels)
        axes.tick_params(axis="y", length=0)
        axes.set(xlabel=x_label, ylim=(-0.6, len(labels) - 0.4))
        axes.spines["left"].set_visible(False)
        add_legend(axes)

    return draw_figure(name, draw, height=265)


def draw_points(name, labels, series, *, y_label, references=()):
    """Draw values over named places of the x axis; the y axis includes 0.

    Parameters
    ----------
    labels : sequence of str
        Names of the places 0, 1, ...; the `x` of each series counts them.
    series : sequence of Series
    references : sequence of (str, array-like)
        A label and one value a place, drawn as a short horizontal line; several differ in style.
    """

    def draw(axes):
        places = np.arange(len(labels))
        for (label, values), line in zip(references, itertools.cycle(("-", "--", ":"))):
            axes.hlines(
                values,
                places - 0.42,
                places + 0.42,
                color=COLOURS["quiet"],
                linestyle=line,
                linewidth=1.2,
                label=label,
            )
        for one in series:
            _draw_one(axes, one)
        axes.set_xticks(places, labels)
        axes.tick_params(axis="x", length=0)
        axes.set(ylabel=y_label, xlim=(-0.6, len(labels) - 0.4))
        axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
        add_legend(axes)

    return draw_figure(name, draw)


def _draw_one(axes, one):
    colour = COLOURS[one.colour]
    if one.low is not None:
        low, high = np.asarray(one.low), np.asarray(one.high)
        if one.marker:
            axes.vlines(one.x, low, high, color=colour, linewidth=1)
        else:
            axes.fill_between(one.x, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(
        one.x,
        one.y,
        color=colour,
        linestyle=one.line or "none",
        marker=one.marker or None,
        markersize=4.5,
        linewidth=1.6,
        label=one.label or None,
    )


def add_legend(axes, columns=3):
    """Name what is drawn, if it has labels; on `columns` columns where the labels are short."""
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        # Above the axes, so that it never hides a curve.
        axes.figure.legend(
            handles,
            labels,
            loc="outside upper left",
            ncols=columns if max(map(len, labels)) < 14 else 1,
            frameon=False,
            labelcolor=COLOURS["ink"],
            handlelength=1.8,
            columnspacing=1.2,
            borderaxespad=0,
        )


def _percent():
    return FuncFormatter(lambda value, _: f"{100 * value:.4g} %")


def _decades():
    """Ticks of a logarithmic axis: plain down to 0.001, then powers of ten."""
    superscripts = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

    def text(value, _):
        if value >= 0.001:
            return f"{value:g}"
        return "10" + f"{math.log10(value):.0f}".translate(superscripts)

    return FuncFormatter(text)
