"""The page of an audit: no cell comes alive, every figure is there, all items are in its data."""

import html.parser
import json

import numpy as np
import pytest

from hetero_unc.reports import audit_items
from hetero_unc.reports.audit_items import check_items, items_text, most_pressing
from hetero_unc.reports.audit_numbers import write_interval, write_share
from hetero_unc.reports.audit_page import write_audit_page
from hetero_unc.reports.thumbnails import thumbnail, thumbnails_within

HOSTILE = '</script><img src=x onerror="alert(1)">\u2028<!--{{7*7}}'


class Document(html.parser.HTMLParser):
    """Collects start tags with their attributes, and the text of each script."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.scripts = [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        tag, attributes = self.tags[-1] if self.tags else ("", {})
        if tag == "script":
            self.scripts.append((attributes, data))


def data_of(source):
    """The items as the page's script reads them."""
    return json.loads(
        next(text for attributes, text in Document(source).scripts if "id" in attributes)
    )


@pytest.fixture
def page(audit_page):
    return audit_page.read_text(encoding="utf-8")


def test_hostile_ids_classes_groups_and_reasons_show_as_text(audited, tmp_path):
    audit_json, items = audited

    def plant(value):
        if isinstance(value, dict):
            return {key: plant(one) for key, one in value.items()}
        if isinstance(value, list):
            return [plant(one) for one in value]
        return HOSTILE + value if isinstance(value, str) else value

    harmless = tmp_path / "harmless.html"
    write_audit_page(harmless, audit_json, items)
    # The names of routes are ours, and are what the two parts are joined by.
    planted = plant(audit_json)
    routes = audit_json["routing"]["routes"]
    for row, ours in zip(planted["routing"]["routes"], routes, strict=True):
        row["route"] = ours["route"]
    planted["inputs"]["classes"] = [HOSTILE + name for name in audit_json["inputs"]["classes"]]
    words = ("id", "reason", "predicted", "people", "split_role", "group_camera")
    planted_items = {
        name: np.array([HOSTILE + word for word in values.tolist()]) if name in words else values
        for name, values in items.items()
    }
    planted["routing"]["galleries"] = {
        name: [HOSTILE + one for one in ids]
        for name, ids in audit_json["routing"]["galleries"].items()
    }
    write_audit_page(tmp_path / "hostile.html", planted, planted_items)
    sources = [path.read_text("utf-8") for path in (harmless, tmp_path / "hostile.html")]
    tags = [[tag for tag, _ in Document(source).tags] for source in sources]
    assert tags[0] == tags[1]
    attributes = {name for _, found in Document(sources[1]).tags for name in found}
    assert not any(name.startswith("on") for name in attributes)
    assert sources[1].count("<script") == 2
    data = data_of(sources[1])
    by_name = {one["name"]: one for one in data["columns"]}
    assert all(name.startswith(HOSTILE) for name in by_name["id"]["values"])
    assert data["classes"] == planted["inputs"]["classes"]


def test_the_policy_lets_one_script_run(page):
    policies = [found["content"] for tag, found in Document(page).tags if "http-equiv" in found]
    assert len(policies) == 1
    assert "default-src 'none'" in policies[0]
    assert policies[0].count("sha256-") == 1
    assert "script-src 'sha256-" in policies[0]


def test_every_item_and_column_is_in_the_data(page, audited):
    _, items = audited
    data = data_of(page)
    by_name = {one["name"]: one for one in data["columns"]}
    assert set(by_name) == set(items) - {"votes", "probabilities"}
    ids = by_name["id"]["values"]
    assert sorted(ids) == sorted(items["id"].tolist())
    places = [items["id"].tolist().index(name) for name in ids]
    people = by_name["people"]
    assert [people["names"][k] for k in people["values"]] == items["people"][places].tolist()
    np.testing.assert_allclose(
        by_name["confidence"]["values"], items["confidence"][places], rtol=1e-3
    )
    routes = [data["routes"][k] for k in by_name["route"]["values"]]
    assert routes == items["route"][places].tolist()
    assert routes == sorted(routes, key=data["routes"].index)


def test_the_bars_are_the_largest_classes_of_an_item(audited, monkeypatch):
    monkeypatch.setattr(audit_items, "ROWS_AT_ONCE", 7)
    audit_json, items = audited
    classes = audit_json["inputs"]["classes"]
    items = check_items(items)
    routes = {row["route"]: row["title"] for row in audit_json["routing"]["routes"]}
    data = json.loads(items_text(items, routes, classes, {}))
    order = most_pressing(items, list(routes))
    chosen = np.array(data["top_classes"]).reshape(-1, data["top"])
    assert data["top"] == len(classes)
    assert (np.sort(chosen, axis=1) == np.arange(len(classes))).all()
    for row, item in enumerate(order):
        counts = data["top_votes"][row * data["top"] : (row + 1) * data["top"]]
        assert counts == items["votes"][item][chosen[row]].tolist()
        assert counts == sorted(counts, reverse=True)


def test_the_page_lists_the_most_pressing_where_there_are_too_many(audited, tmp_path, monkeypatch):
    monkeypatch.setattr("hetero_unc.reports.audit_items.MOST_ITEMS", 10)
    monkeypatch.setattr("hetero_unc.reports.audit_page.MOST_ITEMS", 10)
    write_audit_page(tmp_path / "page.html", *audited)
    source = (tmp_path / "page.html").read_text("utf-8")
    assert len(data_of(source)["columns"][0]["values"]) == 10
    assert "Listed are the 10 most pressing of 240 items" in source


def test_a_section_that_is_absent_says_why(audited, tmp_path):
    audit_json, items = audited
    names = ("guarantee", "accuracy", "calibration", "disagreement", "groups", "conformal")
    absent = {name: {"absent": f"No {name} because & so."} for name in names}
    write_audit_page(tmp_path / "page.html", {**audit_json, **absent, "annotators": None}, items)
    source = (tmp_path / "page.html").read_text("utf-8")
    for name in names:
        assert f"No {name} because &amp; so." in source
    assert "Left out: nothing was reported." in source


def test_numbers_that_are_not_there_are_dashes():
    assert write_interval(None) == "–"
    assert write_interval({"estimate": 0.5, "low": None, "high": 1.0}) == "0.500"
    found = write_interval({"estimate": 0.5, "low": 0.25, "high": 0.75}, write_share)
    assert found == "50.0\N{NO-BREAK SPACE}% (25.0 to 75.0)"


def test_items_that_do_not_fit_together_are_refused(audited, tmp_path):
    audit_json, items = audited
    short = {**items, "reason": items["reason"][:3]}
    with pytest.raises(ValueError, match=r"`items\['reason'\]` must have 240 entries"):
        write_audit_page(tmp_path / "page.html", audit_json, short)
    without = {name: values for name, values in items.items() if name != "votes"}
    with pytest.raises(ValueError, match=r"`items` must hold .* Missing: \['votes'\]"):
        write_audit_page(tmp_path / "page.html", audit_json, without)
    assert not list(tmp_path.iterdir())


def test_thumbnails_keep_to_their_budget_and_ask_for_no_more():
    asked = []

    class Images(dict):
        def __getitem__(self, name):
            asked.append(name)
            return super().__getitem__(name)

    images = Images({str(index): np.full((200, 100, 3), 0.5) for index in range(50)})
    one = len(thumbnail(np.full((200, 100, 3), 0.5)))
    found = thumbnails_within(images, ["3", "3", "absent", *images], budget=4 * one)
    assert list(found) == ["3", "0", "1", "2"]
    assert len(asked) == 5
    with pytest.raises(ValueError, match=r"`image` must have 1 or 3 channels and lie in \[0, 1\]"):
        thumbnail(np.full((4, 4), 2.0))
