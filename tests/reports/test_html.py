"""The page: escaping, determinism, and nothing half-written."""

import html.parser
import re

import jinja2
import pytest

from hetero_unc.reports.html import (
    Columns,
    Details,
    Fact,
    Facts,
    Figure,
    Figures,
    Gallery,
    Page,
    Preformatted,
    Section,
    Steps,
    Table,
    Text,
    Tile,
    left_out,
    render_page,
    write_page,
)

HOSTILE = '<script>alert("1")</script>&\''
SVG = '<svg viewBox="0 0 1 1"></svg>'
PIXEL = "data:image/png;base64,AAAA"


def page_of_every_block(text):
    tile = Tile(PIXEL, text, (text,), marked=True)
    blocks = (
        Text(text),
        Facts((Fact(text, text, text),)),
        Steps(((text, text),)),
        Table(text, (text, text), ((text, text),), text_columns=(0, 1), marked=(0,)),
        Figure(SVG, text, text),
        Figures((Figure(SVG, text),), text, PIXEL, text),
        Gallery(text, (tile,), text),
        Preformatted(text, text),
        Details(text, (Text(text),)),
        Columns((Text(text),), (Text(text, quiet=True),)),
    )
    return Page(text, text, blocks, (Section("all", text, blocks),), text)


class Document(html.parser.HTMLParser):
    """Collects tags, and the text outside `<style>`."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.texts, self.values = [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.values += [value for _, value in attributes]

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.texts.append(data)


def test_markup_in_any_field_shows_as_text():
    document = Document(render_page(page_of_every_block(HOSTILE)))
    assert "script" not in document.tags
    as_text = "".join(document.texts).count(HOSTILE)
    as_value = sum(value == HOSTILE for value in document.values)
    # Each block stands in the opening and in the section: 20 texts and 8 attributes in each, then
    # two titles, subtitle and footer of the page, and the section's title with its link.
    harmless = Document(render_page(page_of_every_block("harmless")))
    assert as_text == "".join(harmless.texts).count("harmless") > 40
    assert as_value == harmless.values.count("harmless") > 10


def test_the_same_page_gives_the_same_text():
    assert render_page(page_of_every_block("a")) == render_page(page_of_every_block("a"))


def test_a_page_has_language_title_one_h1_and_a_main():
    source = render_page(page_of_every_block("a"))
    tags = Document(source).tags
    assert '<html lang="en">' in source
    assert tags.count("title") == tags.count("h1") == tags.count("main") == 1


def test_a_page_names_no_other_address():
    source = render_page(page_of_every_block("a"))
    addresses = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)', source)
    assert all(a.startswith(("data:", "#")) for pair in addresses for a in pair if a)
    assert "@import" not in source


def test_every_figure_and_picture_has_words():
    source = render_page(page_of_every_block("a"))
    assert source.count('role="img"') == source.count('<div role="img" aria-label="a">') == 4
    assert source.count("<img") == source.count('alt="a"') == 4


def test_table_headers_have_a_scope_and_the_table_takes_the_keyboard():
    source = render_page(page_of_every_block("a"))
    assert source.count("<th ") == source.count('scope="col"') + source.count('scope="row"') == 6
    assert source.count('role="region" aria-label="a" tabindex="0"') == 4


def test_sections_of_one_name_are_refused():
    section = left_out("twice", "Twice", "a reason")
    with pytest.raises(ValueError, match=r"`page` must name each section once. Received: .*twice"):
        render_page(Page("a", "b", (), (section, section)))


def test_a_page_is_written_as_rendered(tmp_path):
    page = page_of_every_block("Größe 3 → 8")
    write_page(tmp_path / "page.html", page)
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == render_page(page)


def test_a_failed_rendering_leaves_the_old_page_and_nothing_else(tmp_path):
    write_page(tmp_path / "page.html", page_of_every_block("old"))
    broken = Page("new", "", (Figures((object(),)),), ())
    with pytest.raises(jinja2.UndefinedError):
        write_page(tmp_path / "page.html", broken)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert "<h1>old</h1>" in (tmp_path / "page.html").read_text(encoding="utf-8")
