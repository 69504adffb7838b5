"""The page of an audit: what to do first, every item, and what the figures rest on."""

from hetero_unc.reports import html
from hetero_unc.reports.audit_columns import COLUMNS
from hetero_unc.reports.audit_groups import group_blocks
from hetero_unc.reports.audit_items import MOST_ITEMS, check_items, items_text
from hetero_unc.reports.audit_numbers import write_count
from hetero_unc.reports.audit_people import (
    annotator_blocks,
    calibration_blocks,
    disagreement_blocks,
)
from hetero_unc.reports.audit_routes import opening_blocks, route_blocks
from hetero_unc.reports.audit_trust import accuracy_blocks, conformal_blocks, guarantee_blocks
from hetero_unc.reports.thumbnails import thumbnails_within

__all__ = ["write_audit_page"]

SECTIONS = (
    ("guarantee", "How safe is it to accept?", guarantee_blocks),
    ("accuracy", "How often is it right?", accuracy_blocks),
    ("calibration", "Calibrated to people?", calibration_blocks),
    ("disagreement", "Does doubt stand where people differ?", disagreement_blocks),
    ("groups", "The same for every group?", group_blocks),
    ("conformal", "Sets of classes", conformal_blocks),
    ("annotators", "The annotators", annotator_blocks),
)


def write_audit_page(path, audit_json, items, thumbnails=None):
    """Write the page of an audit as one file that asks for nothing.

    Parameters
    ----------
    path : path
    audit_json : dict
        Of `hetero_unc.audit.AuditResult.as_json`, or of a file audit.json. All its words are
        taken for text.
    items : dict of str to array of length N
        Of `hetero_unc.audit.AuditResult.items`.
    thumbnails : mapping of str to array, optional
        Images by id, (H, W), (H, W, 1) or (H, W, 3) in [0, 1]. The most pressing items are shown
        first, until 6 MB are spent.

    Raises
    ------
    ValueError
        If columns of `items` are missing or do not fit together.
    OSError
        Naming `path`, where it cannot be written.
    """
    items = check_items(items)
    html.write_page(path, _page(audit_json, items, {} if thumbnails is None else thumbnails))


def _page(audit_json, items, images):
    inputs, routing = audit_json["inputs"], audit_json["routing"]
    routes = {row["route"]: row["title"] for row in routing["routes"]}
    first = [name for shown in routing["galleries"].values() for name in shown]
    pictures = thumbnails_within(images, [*first, *items["id"].tolist()]) if len(images) else {}
    text = items_text(items, routes, inputs["classes"], pictures)
    files = [inputs[name] for name in ("predictions", "votes") if isinstance(inputs[name], str)]
    return html.Page(
        title="Which predictions to trust",
        subtitle=", ".join(
            (
                *files[:1],
                f"{write_count(inputs['items'])} items",
                f"{len(inputs['classes'])} classes",
                _plural(inputs["passes"], "pass", "passes"),
            )
        ),
        opening=opening_blocks(audit_json),
        sections=(
            html.Section("items", "Every item", _item_blocks(items, text)),
            html.Section(
                "routes", "Why these?", route_blocks(routing, audit_json, items, pictures)
            ),
            *(
                _section(name, title, blocks, audit_json.get(name))
                for name, title, blocks in SECTIONS
            ),
            html.Section("method", "What this rests on", _method_blocks(audit_json)),
        ),
        footer="Every figure of this page is in audit.json, every item in routing.csv.",
        style="audit_page.css",
        script="audit_page.js",
    )


def _section(name, title, blocks, content):
    if not content:
        return html.left_out(name, title, "nothing was reported")
    if "absent" in content:
        return html.Section(name, title, (html.Text(content["absent"], quiet=True),))
    return html.Section(name, title, blocks(content))


def _item_blocks(items, text):
    blocks = [html.Fragment("audit_items.html", {"text": text})]
    if len(items["id"]) > MOST_ITEMS:
        blocks.insert(
            0,
            html.Text(
                f"Listed are the {MOST_ITEMS:,} most pressing of {len(items['id']):,} items; "
                "routing.csv holds all of them."
            ),
        )
    meanings = tuple(
        (f"{one.title}.", one.meaning) for one in COLUMNS if one.name in items and one.meaning
    )
    blocks.append(html.Details("What the columns mean", (html.Steps(meanings),)))
    return tuple(blocks)


def _method_blocks(audit_json):
    inputs, votes = audit_json["inputs"], audit_json["inputs"]["votes_per_item"]
    roles = inputs["roles"]
    blocks = [
        *(html.Text(note) for note in audit_json.get("notes") or ()),
        html.Text(
            f"{write_count(roles['evaluated'])} items judge, {write_count(roles['validation'])} "
            f"chose thresholds and calibrators, {write_count(roles['training'])} were trained on. "
            f"{roles['how']}"
        ),
        html.Text(
            f"Votes an item: {write_count(votes['fewest'])} to {write_count(votes['most'])}, "
            f"median {write_count(votes['median'])}. Classes: {', '.join(inputs['classes'])}."
        ),
        html.Text(
            "Intervals come from drawing the items anew, with replacement. They hold for items "
            "like these, and for no others."
        ),
        html.Details(
            "Settings",
            (
                html.Table(
                    "As they were for this page.",
                    ("setting", "value"),
                    tuple((name, str(value)) for name, value in audit_json["settings"].items()),
                ),
            ),
        ),
    ]
    return tuple(blocks)


def _plural(count, one, many):
    return f"{count:,} {one if count == 1 else many}"
