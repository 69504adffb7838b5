"""What to do with the items: the rule of each route, its false alarms, and its first items."""

from hetero_unc.reports import html
from hetero_unc.reports.audit_numbers import write_count, write_number, write_share

__all__ = ["opening_blocks", "route_blocks"]

SHOWN = 12
LONGEST_LABEL = 7  # characters beside a bar
# Routes whose items somebody should look at; the others' fold away.
TO_LOOK_AT = ("unfamiliar", "suspected_label_error", "contested", "more_votes")


def opening_blocks(audit_json):
    """The first screen: one sentence, a few more, and the six routes with their counts."""
    notes = audit_json.get("notes") or []
    remark = f"{len(notes)} {'remark' if len(notes) == 1 else 'remarks'} on these figures."
    first = audit_json["first_screen"]
    return (
        html.Fragment(
            "audit_opening.html",
            {
                "headline": first["headline"],
                "sentences": first["sentences"],
                "routes": audit_json["routing"]["routes"],
                "notes": remark if notes else "",
            },
        ),
    )


def route_blocks(routing, audit_json, items, pictures):
    """Rules and false alarms of the routes, then the items that each would show first.

    Parameters
    ----------
    routing, audit_json : dict
    items : dict of str to array
        Of `check_items`.
    pictures : dict of str to str
        Data URIs by id.
    """
    rules = html.Steps(tuple((f"{row['title']}.", _rule(row)) for row in routing["routes"]))
    blocks = [
        html.Text("An item takes the first of these routes whose rule it meets."),
        rules,
    ]
    value = routing.get("vote_value")
    if value and value["total_in_more_votes"]:
        blocks.append(html.Text(_value_of_votes(value), quiet=True))
    places = {name: place for place, name in enumerate(items["id"].tolist())}
    for row in routing["routes"]:
        ids = [name for name in routing["galleries"].get(row["route"], ()) if name in places]
        if not ids:
            continue
        gallery = html.Gallery(
            f"{row['title']}: {len(ids[:SHOWN])} of {row['count']:,}",
            tuple(
                _tile(items, places[name], audit_json["inputs"]["classes"], pictures.get(name, ""))
                for name in ids[:SHOWN]
            ),
            "Bars are shares of the votes, upright lines what the model forecast.",
        )
        if row["route"] in TO_LOOK_AT:
            blocks.append(gallery)
        else:
            blocks.append(html.Details(f"{row['title']}: some items", (gallery,)))
    return tuple(blocks)


def _rule(row):
    rate = row["false_alarms"]["rate"]
    if rate is None:
        return f"{row['why']} How many of these are false alarms is not known."
    meaning = row["false_alarms"]["meaning"]
    return (
        f"{row['why']} False alarms: about {write_share(rate)}. A false alarm here: "
        f"{meaning[:1].lower()}{meaning[1:]}"
    )


def _value_of_votes(value):
    return (
        "One more vote on every item where it is asked for would change about "
        f"{write_count(round(value['label_changes_in_more_votes']))} labels; averaged over all "
        f"items, a vote is worth {write_number(value['mean'], 4)} in the probability that the "
        "label is right."
    )


def _tile(items, place, classes, picture):
    votes, forecast = items["votes"][place], items["probabilities"][place]
    total = max(1, int(votes.sum()))
    # Few enough bars to read: the classes that people or the model name most.
    order = sorted(range(len(votes)), key=lambda i: -max(votes[i] / total, forecast[i]))[:5]
    name, predicted, people = (str(items[key][place]) for key in ("id", "predicted", "people"))
    return html.Tile(
        picture,
        alt=f"Item {name}",
        lines=(name, f"model: {predicted}, people: {people}", str(items["reason"][place])),
        marked=predicted != people,
        bars=tuple(
            html.Bar(_short(classes[i]), votes[i] / total, float(forecast[i])) for i in order
        ),
    )


def _short(name):
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
