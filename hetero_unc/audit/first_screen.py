"""What a reader should do, in plain sentences, most important first."""

from hetero_unc.formats import format_percent

__all__ = ["first_screen"]


def first_screen(routing, guarantee, calibration):
    """A headline and at most six sentences.

    Parameters
    ----------
    routing, guarantee, calibration : dict
        Sections of the audit.

    Returns
    -------
    dict
        `headline` and `sentences`.
    """
    routes = {row["route"]: row for row in routing["routes"]}
    accept = routes["accept"]
    target = format_percent(guarantee["target_risk"], 1)
    if guarantee["threshold"] is None:
        headline = (
            "Do not use these predictions unseen: no threshold on doubt keeps the share of wrong "
            f"ones within {target}."
        )
    else:
        headline = (
            f"{_items(accept['count'])} ({format_percent(accept['share'], 0)}) can be accepted as "
            f"predicted; {_items(_total(routes) - accept['count'])} are for people."
        )
    sentences = []
    if guarantee["reachable_risk"] is not None:
        sentences.append(
            f"A target risk of {format_percent(guarantee['reachable_risk'], 0)} could be kept: if "
            "that will do, audit again with it."
        )
    if guarantee["threshold"] is not None:
        sentences.append(
            f"Of the predictions accepted, {format_percent(guarantee['risk']['estimate'], 1)} were "
            f"wrong on items that judge; the target was {target}."
        )
    for name, sentence in (
        ("suspected_label_error", "{} carry a label that looks wrong: look at them first{}."),
        ("unfamiliar", "{} are unfamiliar to the model: label and train on them{}."),
        ("contested", "{} are contested: people disagree about them, and so should the label{}."),
    ):
        if routes[name]["count"]:
            rate = routes[name]["false_alarms"]["rate"]
            hint = ""
            if rate is not None:
                hint = f" (about {format_percent(rate, 0)} false alarms expected)"
            sentences.append(sentence.format(_items(routes[name]["count"]), hint))
    if routes["more_votes"]["count"]:
        changes = routing["vote_value"]["label_changes_in_more_votes"]
        sentences.append(
            f"One more vote on each of {_items(routes['more_votes']['count'])} would change about "
            f"{changes:,.0f} labels."
        )
    sentences.append(_of_confidence(calibration))
    return {"headline": headline, "sentences": sentences[:6]}


def _of_confidence(calibration):
    numbers = {row["name"]: row["value"]["estimate"] for row in calibration["numbers"]}
    error, sure = numbers["ece_votes"], numbers["overconfidence"]
    if error < 0.02:
        return f"The stated confidence can be read as the share of people who agree ({error:.3f})."
    direction = "too sure of itself" if sure > 0 else "less sure than it could be"
    return (
        f"The stated confidence is off by {format_percent(error, 1)} on average: on the whole the "
        f"model is {direction}."
    )


def _total(routes):
    return sum(row["count"] for row in routes.values())


def _items(count):
    return f"{count:,} item" if count == 1 else f"{count:,} items"
