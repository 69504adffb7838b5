"""The drawings: well-formed, the same each time, without colours or identifiers of their own."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest
from PIL import Image

from hetero_unc.reports.figures import (
    Series,
    draw_log_histograms,
    draw_points,
    draw_series,
    draw_stacked_bars,
)
from hetero_unc.reports.normal_curves import draw_normals
from hetero_unc.reports.svg import COLOURS, draw_figure, picture


def every_drawing(prefix=""):
    x = np.arange(5.0)
    band = Series("band <&>", x, x / 4, "rose", "--", low=x / 5, high=x / 3)
    bars = Series("bars", x, x / 4, "blue", "", "o", low=x / 5, high=x / 3)
    groups = {"right": (np.array([1e-9, 0.1]), "blue", "-"), "wrong": (np.array([]), "rose", "--")}
    return {
        "series": draw_series(
            f"{prefix}series", [band, bars], x_label="x", y_label="y", y_percent=True, diagonal=True
        ),
        "histograms": draw_log_histograms(
            f"{prefix}histograms", groups, x_label="nats", low=1e-6, high=2.3
        ),
        "bars": draw_stacked_bars(
            f"{prefix}bars", "ab", {"one": ([1, 2], "amber"), "two": ([2, 1], "teal")}, x_label="x"
        ),
        "points": draw_points(
            f"{prefix}points", "abcde", [bars], y_label="y", references=[("ideal", x / 4)]
        ),
        "normals": draw_normals(
            f"{prefix}normals", [0, 5, 5.1], [1, 1e-3, 2], "abc", lines={1: ("blue", "-")}
        ),
    }


@pytest.fixture(scope="module")
def drawings():
    return every_drawing()


def test_every_drawing_is_well_formed_and_has_no_fixed_size(drawings):
    for text in drawings.values():
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "viewBox" in root.attrib
        assert not {"width", "height"} & root.attrib.keys()


def test_drawings_are_the_same_each_time(drawings):
    assert every_drawing() == drawings


def test_every_colour_is_a_property_of_the_page(drawings):
    for text in drawings.values():
        fallbacks = re.findall(r"var\(--[a-z]+, (#[0-9a-f]{6})\)", text)
        assert len(fallbacks) > 3
        outside = re.sub(r"var\(--[a-z]+, #[0-9a-f]{6}\)", "", text)
        # White and black are left in clip paths and matplotlib's defaults for what is not drawn.
        assert not re.findall(r"(?:fill|stroke): #(?!ffffff|000000)[0-9a-f]{3,6}", outside)


def test_colours_differ_because_they_are_found_by_value():
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_text_stays_text_in_the_font_of_the_page(drawings):
    text = drawings["series"]
    assert "band &lt;&amp;&gt;" in text
    assert "DejaVu" not in text
    assert re.search(r"font-size: [\d.]+px", text)


def test_identifiers_of_two_drawings_never_meet(drawings):
    others = every_drawing("other-")

    def identifiers(texts):
        found = [name for text in texts for name in re.findall(r' id="([^"]+)"', text)]
        assert len(set(found)) == len(found)
        return set(found)

    assert not identifiers(drawings.values()) & identifiers(others.values())
    for text in drawings.values():
        wanted = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))
        assert wanted == set(re.findall(r' id="([^"]+)"', text))


def test_the_settings_of_the_caller_stay_as_they_were():
    with matplotlib.rc_context({"font.size": 31, "svg.fonttype": "path"}):
        before = dict(matplotlib.rcParams)
        every_drawing()
        assert dict(matplotlib.rcParams) == before


def test_a_name_that_would_break_the_page_is_refused():
    with pytest.raises(ValueError, match=r"`name` must be lower-case .* Received: name='a\"b'"):
        draw_figure('a"b', lambda axes: None)


def test_a_series_of_two_lengths_is_refused():
    with pytest.raises(ValueError, match=r"`x` and `y` must have the same shape"):
        Series("a", [1, 2], [1])


@pytest.mark.parametrize(
    ("loc", "scale", "message"),
    [
        ([0.0, 1.0], [1.0, 0.0], r"`scale` must be > 0\. Received: minimum=0"),
        ([0.0, np.nan], [1.0, 1.0], "`loc` must be finite"),
        ([0.0, 1.0, 2.0], [1.0, 1.0], "must have the same length. Received: 3, 2, 2"),
    ],
)
def test_normals_that_cannot_be_drawn_are_refused(loc, scale, message):
    with pytest.raises(ValueError, match=message):
        draw_normals("a", loc, scale, "ab")


def test_labels_of_equal_locs_stand_at_different_heights():
    text = draw_normals("a", [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], "xyz")
    heights = [
        element.attrib.get("y") or element.attrib["transform"].split()[-1]
        for element in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")
        if element.text in tuple("xyz")
    ]
    assert len(set(heights)) == 3


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 1), (5, 4, 3)])
def test_a_picture_keeps_every_pixel(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape)
    header, content = picture(pixels / 255).split(",")
    assert header == "data:image/png;base64"
    decoded = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    np.testing.assert_array_equal(decoded, pixels[..., 0] if shape[2:] == (1,) else pixels)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((2, 2), 255.0), r"`image` must lie in \[0, 1\]\. Received: 255 to 255"),
        (np.zeros((2, 2, 2)), "`image` must have 1 or 3 channels"),
        (np.full((2, 2), np.nan), "`image` must be finite. Received: 4 NaN"),
    ],
)
def test_images_that_are_none_are_refused(image, message):
    with pytest.raises(ValueError, match=message):
        picture(image)


def test_references_differ_in_style_where_they_are_alike_in_colour():
    one = draw_points("one", "ab", [], y_label="y", references=[("first", [1, 2])])
    two = draw_points(
        "two", "ab", [], y_label="y", references=[("first", [1, 2]), ("second", [1.01, 2.01])]
    )
    assert "stroke-dasharray" not in one
    assert "stroke-dasharray" in two
