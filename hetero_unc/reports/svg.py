"""From a matplotlib figure to SVG inside a page, and from an image to a data URI.

The SVG carries no colours of its own: each is a CSS custom property, with the light scheme's value
as the fallback, so that one drawing is right in light and in dark. Text stays text, in the page's
own font. Same arrays, same bytes: no dates, no random identifiers.
"""

import base64
import io
import re

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from hetero_unc.checks import check_array

__all__ = ["COLOURS", "draw_figure", "picture", "to_svg"]

# Name of the CSS property -> its value in the light scheme. template.html defines them again, and
# their dark values; each colour must differ, because a drawing's colours are found by value.
COLOURS = {
    "ink": "#1d1c1a",
    "quiet": "#625f59",
    "line": "#d9d5cc",
    "paper": "#fdfcf9",
    "blue": "#1c5fa8",
    "amber": "#a65a00",
    "teal": "#0f766e",
    "rose": "#b0305c",
}
FONT_SIZE = 11.5
SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "hetero_unc",
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "xtick.labelsize": FONT_SIZE - 1,
    "ytick.labelsize": FONT_SIZE - 1,
    "legend.fontsize": FONT_SIZE,
    "axes.unicode_minus": True,
}


def draw_figure(name, draw, *, width=380, height=270):
    """Draw one set of axes and return it as SVG.

    Parameters
    ----------
    name : str
        Unique in its page: lower-case letters, digits and hyphens. It starts every identifier.
    draw : callable
        Takes the `matplotlib.axes.Axes` and draws on it.
    width, height : int
        In CSS pixels at scale 1; the page stretches the drawing to its column.
    """
    # rc_context and not rcParams: the caller's own settings are as they were afterwards.
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        axes = figure.add_subplot()
        axes.patch.set_visible(False)
        figure.patch.set_visible(False)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("bottom", "left"):
            axes.spines[side].set_color(COLOURS["quiet"])
        axes.tick_params(color=COLOURS["quiet"], labelcolor=COLOURS["ink"], length=3)
        axes.xaxis.label.set_color(COLOURS["ink"])
        axes.yaxis.label.set_color(COLOURS["ink"])
        draw(axes)
        return to_svg(figure, name)


def to_svg(figure, name):
    """Return `figure` as an `<svg>` element without size, whose identifiers start with `name`."""
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise ValueError(f"`name` must be lower-case letters, digits, -. Received: name={name!r}")
    stream = io.StringIO()
    with matplotlib.rc_context(SETTINGS):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :].rstrip()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    # matplotlib names its own family, as `font: 11px 'DejaVu Sans', ...` or by itself.
    text = re.sub(r"font: (?:[a-z]+ )*([\d.]+)px [^;\"]+", r"font-size: \1px", text)
    text = re.sub(r" ?font-family: [^;\"]+;?", "", text)
    # Two decimals of a pixel are plenty, and half the bytes.
    text = re.sub(r'(?<= d=")[^"]+', lambda path: _round(path[0]), text)
    for colour, value in COLOURS.items():
        text = text.replace(value, f"var(--{colour}, {value})")
    return _rename(text, name)


def picture(image):
    """Return an image as a PNG data URI, one pixel for one pixel; the page scales it.

    Parameters
    ----------
    image : array of shape (H, W), (H, W, 1) or (H, W, 3)
        Brightness in [0, 1].
    """
    array = np.asarray(image)
    if array.ndim == 2:
        array = array[..., None]
    array = check_array(array, name="image", ndim=3)
    if array.shape[2] not in (1, 3):
        raise ValueError(f"`image` must have 1 or 3 channels. Received: shape={array.shape}")
    if array.min() < 0 or array.max() > 1:
        raise ValueError(
            f"`image` must lie in [0, 1]. Received: {array.min():.6g} to {array.max():.6g}"
        )
    pixels = np.rint(array * 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(
        stream, format="PNG", optimize=True
    )
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def _round(path):
    return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", path)


def _rename(text, name):
    """Number the identifiers that something refers to, drop the others."""
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))
    numbers = {}

    def renamed(match):
        if match[1] not in used:
            return ""
        numbers[match[1]] = f"{name}-{len(numbers) + 1}"
        return f' id="{numbers[match[1]]}"'

    text = re.sub(r' id="([^"]+)"', renamed, text)
    return re.sub(r'(url\(#|href="#)([^)"]+)', lambda m: m[1] + numbers[m[2]], text)
