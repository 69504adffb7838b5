"""One self-contained page from a description of it: the only place where html is escaped.

A page is a title, what to know first, and sections; a section is a title and blocks. Blocks are
frozen dataclasses, whose strings are plain text. `Figure.svg` is the only markup that goes in as it
is; it must come from `hetero_unc.reports.svg`. The page asks for nothing, and its policy lets the
browser run no script but the one that `Page.script` names.
"""

import base64
import dataclasses
import functools
import hashlib
import importlib.resources

import jinja2

from hetero_unc.writing import write_text

__all__ = [
    "Bar",
    "Columns",
    "Details",
    "Fact",
    "Facts",
    "Figure",
    "Figures",
    "Fragment",
    "Gallery",
    "Page",
    "Preformatted",
    "Section",
    "Steps",
    "Table",
    "Text",
    "Tile",
    "left_out",
    "render_page",
    "write_page",
]


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph of plain text; `quiet` ones are asides."""

    text: str
    quiet: bool = False


@dataclasses.dataclass(frozen=True)
class Fact:
    """One number in large type: `value`, what it is, and a remark."""

    value: str
    label: str
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Facts:
    """A few numbers side by side."""

    facts: tuple[Fact, ...]


@dataclasses.dataclass(frozen=True)
class Steps:
    """Pairs of a short bold text and what it means, as a list."""

    items: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table that scrolls by itself where it is too wide.

    `rows` hold as many cells as `columns`; the first cell of a row is its header. Cells of the
    columns whose index is in `text_columns` are set as text, all others as numbers. Rows whose
    index is in `marked` stand apart (published values, say).
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: tuple[int, ...] = (0,)
    marked: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Figure:
    """A drawing: `svg` from `hetero_unc.reports.svg`, `alt` says in words what it shows."""

    svg: str
    alt: str
    title: str = ""


@dataclasses.dataclass(frozen=True)
class Figures:
    """Drawings side by side, below each other where the page is narrow, with one caption.

    `picture` is the data URI of an image that stands before them, `picture_alt` its words.
    """

    figures: tuple[Figure, ...]
    caption: str = ""
    picture: str = ""
    picture_alt: str = ""


@dataclasses.dataclass(frozen=True)
class Bar:
    """A class below a picture: `share` in [0, 1] as a bar, `forecast` in [0, 1] as a line on it."""

    label: str
    share: float
    forecast: float


@dataclasses.dataclass(frozen=True)
class Tile:
    """A small picture, its alternative text and one or more short lines below it.

    `picture` is a data URI; empty for none, and the lines must then say what `alt` would.
    `bars` are drawn under the lines; `alt` must say in words what they show.
    """

    picture: str
    alt: str
    lines: tuple[str, ...]
    marked: bool = False
    bars: tuple[Bar, ...] = ()


@dataclasses.dataclass(frozen=True)
class Gallery:
    """Small pictures under a title, in reading order."""

    title: str
    tiles: tuple[Tile, ...]
    caption: str = ""


@dataclasses.dataclass(frozen=True)
class Preformatted:
    """Text whose line breaks and spaces are kept: a command, a configuration."""

    text: str
    label: str


@dataclasses.dataclass(frozen=True)
class Details:
    """Blocks that open at a click or a key."""

    summary: str
    blocks: tuple


@dataclasses.dataclass(frozen=True)
class Columns:
    """Two lists of blocks side by side, below each other where the page is narrow."""

    left: tuple
    right: tuple


@dataclasses.dataclass(frozen=True)
class Fragment:
    """A part of the page with a template of its own.

    `template` is a file of this room, which finds `data` as `item.data` and escapes like the page.
    """

    template: str
    data: dict


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes
    ----------
    name : str
        Its address in the page, unique and without spaces.
    title : str
        Its heading, and its entry in the table of contents.
    blocks : tuple
        Blocks of this module, in order.
    """

    name: str
    title: str
    blocks: tuple


@dataclasses.dataclass(frozen=True)
class Page:
    """A page.

    Attributes
    ----------
    title, subtitle : str
        The subtitle is a line below the title.
    opening : tuple
        Blocks of the first screen.
    sections : tuple of Section
    footer : str, default=""
    style, script : str, default=""
        Files of this room that the page carries besides its own style.
    """

    title: str
    subtitle: str
    opening: tuple
    sections: tuple[Section, ...]
    footer: str = ""
    style: str = ""
    script: str = ""


def render_page(page):
    """Return the html of a `Page`; the same page gives the same text.

    Raises
    ------
    ValueError
        If two sections have one name.
    """
    names = [section.name for section in page.sections]
    if len(set(names)) != len(names):
        raise ValueError(f"`page` must name each section once. Received: {names}")
    script = _source(page.script) if page.script else ""
    return _template().render(page=page, script=script, script_source=_script_source(script))


def write_page(path, page):
    """Write the html of a `Page` to `path`, whole or not at all.

    Raises
    ------
    ValueError
        As `render_page`.
    OSError
        If the file cannot be written.
    """
    write_text(path, render_page(page))


@functools.cache
def _template():
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["block"] = lambda block, kind: type(block).__name__ == kind
    return environment.get_template("template.html")


def _source(name):
    return importlib.resources.files("hetero_unc.reports").joinpath(name).read_text("utf-8")


def _script_source(script):
    """What the page's policy lets run: the script with these very bytes, or none."""
    if not script:
        return "'none'"
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def left_out(name, title, reason):
    """A section that says why it is not there."""
    return Section(name, title, (Text(f"Left out: {reason}.", quiet=True),))
