"""The drawing of Gaussian logits: one Normal a class."""

import numpy as np

from hetero_unc.checks import check_array
from hetero_unc.reports.svg import COLOURS, draw_figure

__all__ = ["draw_normals"]

REACH = 3.5  # standard deviations drawn to each side
LABEL_ROOM = 0.06  # share of the width below which two labels get different heights


def draw_normals(name, loc, scale, labels, *, shown=None, lines=None):
    """Draw Normal densities, each to the same height, with its label over its peak.

    Densities of their true height cannot be drawn together when one scale is a hundredth of
    another; the place and the width of each are what there is to read.

    Parameters
    ----------
    loc, scale : array-like of float, shape (C,)
        Scales > 0.
    labels : sequence of str
        One a class.
    shown : sequence of int, optional
        Classes to draw; all if not given.
    lines : dict of int to (colour, line), optional
        Of the classes that stand out; the others are drawn thin and quiet.
    """
    loc = check_array(loc, name="loc", ndim=1)
    scale = check_array(scale, name="scale", ndim=1)
    if loc.shape != scale.shape or len(labels) != len(loc):
        raise ValueError(
            f"`loc`, `scale` and `labels` must have the same length. Received: {len(loc)}, "
            f"{len(scale)}, {len(labels)}"
        )
    if scale.min() <= 0:
        raise ValueError(f"`scale` must be > 0. Received: minimum={scale.min():.6g}")
    shown = list(range(len(loc)) if shown is None else shown)
    lines = lines or {}
    left = min(loc[k] - REACH * scale[k] for k in shown)
    right = max(loc[k] + REACH * scale[k] for k in shown)
    margin = 0.04 * (right - left)
    heights = _label_heights(loc, shown, LABEL_ROOM * (right - left))

    def draw(axes):
        steps = np.linspace(-REACH, REACH, 61)
        for k in sorted(shown, key=lambda k: (k in lines, k)):  # what stands out is drawn last
            colour, line = lines.get(k, ("quiet", "-"))
            x, density = loc[k] + scale[k] * steps, np.exp(-(steps**2) / 2)
            if k in lines:
                axes.fill_between(x, density, color=COLOURS[colour], alpha=0.15, linewidth=0)
            axes.plot(
                x,
                density,
                color=COLOURS[colour],
                linestyle=line,
                linewidth=1.8 if k in lines else 1,
            )
            axes.annotate(
                labels[k],
                (loc[k], 1.03 + 0.1 * heights[k]),
                color=COLOURS[colour],
                ha="center",
                va="bottom",
                weight="bold" if k in lines else "normal",
            )
        axes.set(xlabel="logit", xlim=(left - margin, right + margin))
        axes.set(ylim=(0, 1.16 + 0.1 * max(heights.values())))
        axes.yaxis.set_visible(False)
        axes.spines["left"].set_visible(False)

    return draw_figure(name, draw, height=230)


def _label_heights(loc, shown, room):
    """Level of each class's label, so that labels nearer than `room` do not lie on each other."""
    ends, heights = [], {}
    for k in sorted(shown, key=lambda k: loc[k]):
        level = next((i for i, end in enumerate(ends) if loc[k] - end >= room), len(ends))
        ends[level : level + 1] = [loc[k]]
        heights[k] = level
    return heights
