"""How safe it is to accept, how often the model is right, and sets of classes that hold a vote."""

from hetero_unc.reports import figures, html
from hetero_unc.reports.audit_numbers import (
    write_count,
    write_interval,
    write_number,
    write_range,
    write_share,
)

__all__ = ["accuracy_blocks", "conformal_blocks", "guarantee_blocks"]


def guarantee_blocks(section):
    """The threshold with its guarantee, what it came to, and risk against coverage."""
    target = section["target_risk"]
    facts = html.Facts(
        (
            html.Fact(
                write_number(section["threshold"], 4) if section["threshold"] else "none",
                "largest doubt accepted",
                "doubt is 1 - the largest probability",
            ),
            html.Fact(
                write_share(section["coverage"]["estimate"]),
                "within that doubt",
                "of the items that judge",
            ),
            html.Fact(
                write_share(section["risk"]["estimate"]),
                "of them wrong",
                f"the target is {write_share(target)}",
            ),
            html.Fact(
                write_share(section.get("random_annotator_disagrees")),
                "of their votes differ",
                "a person drawn at random from those who voted",
            ),
        )
    )
    blocks = [html.Text(section["statement"]), facts]
    curve = section.get("curve")
    if curve and curve["coverage"]:
        blocks += [html.Text(_curve_words(section)), html.Figures((_risk_figure(curve, target),))]
    risk = write_interval(section["risk"], write_share)
    blocks.append(
        html.Text(
            f"{section['method']}. Of {write_count(section['validation_items'])} validation items "
            f"{write_count(section['validation_accepted'])} lie within the threshold, "
            f"{write_share(section['validation_risk'])} of them wrong. Among the items that judge: "
            f"wrong {risk}, accepted {write_interval(section['coverage'], write_share)}.",
            quiet=True,
        )
    )
    return tuple(blocks)


def accuracy_blocks(section):
    """Accuracy against most people, against one of them, and by class."""
    facts = html.Facts(
        (
            html.Fact(
                write_share(section["plurality"]["estimate"]),
                "names what most people say",
                write_range(section["plurality"], write_share),
            ),
            html.Fact(
                write_share(section["random_vote"]["estimate"]),
                "names what a random vote says",
                write_range(section["random_vote"], write_share),
            ),
            html.Fact(
                write_share(section.get("one_annotator_against_rest")),
                "one person, held against the others",
                "a model above this agrees with the crowd more than its members do",
            ),
        )
    )
    table = html.Table(
        "By class. Items with a tie for most votes count in part for each class.",
        ("class", "items", "recall", "share of the votes", "share predicted"),
        tuple(
            (
                row["class"],
                write_count(row["items"]),
                write_share(row["recall"]),
                write_share(row["votes_share"]),
                write_share(row["predicted_share"]),
            )
            for row in section["per_class"]
        ),
    )
    return (facts, table)


def conformal_blocks(section):
    """Coverage and size of each kind of set, and where coverage is uneven."""
    rows = tuple(
        (
            method["title"],
            write_interval(method["coverage"], write_share),
            write_number(method["mean_size"], 2),
            write_share(_share_of_size(method, 1)),
            write_share(method["empty"]),
        )
        for method in section["methods"]
    )
    blocks = [
        html.Text(
            f"A set of classes in place of one: it holds {section['label']}, in about "
            f"{write_share(section['level'], 0)} of cases, over all items. Where a class or a "
            "group is covered less, the sets promise too much there."
        ),
        html.Table(
            f"Coverage aimed at: {write_share(section['level'], 0)}.",
            ("sets", "coverage", "classes in a set", "with one class", "empty"),
            rows,
        ),
    ]
    for title, key, name in (("By class", "by_class", "class"), ("By group", "by_group", "group")):
        if any(method.get(key) for method in section["methods"]):
            blocks.append(html.Details(title, (_coverage_table(section, key, name),)))
    return tuple(blocks)


def _risk_figure(curve, target):
    ends = [min(curve["coverage"]), 1]
    return html.Figure(
        figures.draw_series(
            "accept-risk",
            [
                figures.Series("wrong among those kept", curve["coverage"], curve["risk"]),
                figures.Series("its bound", curve["coverage"], curve["bound"], "amber", "--"),
                figures.Series("target", ends, [target, target], "quiet", ":"),
            ],
            x_label="share of items kept, least doubted first",
            y_label="wrong among those kept",
            x_limits=(0, 1),
            # The bound of the first few items is near 1 and would press all else to the ground.
            y_limits=(0, min(1, 2 * max(target, *curve["risk"]) + 0.01)),
            x_percent=True,
            y_percent=True,
        ),
        f"Wrong predictions among the items kept, against how many are kept: "
        f"{write_share(curve['risk'][-1])} where all are.",
        "Risk and coverage",
    )


def _curve_words(section):
    return (
        "The line shows what would have come of any other threshold on the items that judge; the "
        f"bound holds at each place with probability {write_share(section['confidence'], 0)}."
    )


def _share_of_size(method, size):
    sizes = method.get("sizes") or []
    return sizes[size] if len(sizes) > size else None


def _coverage_table(section, key, name):
    methods = section["methods"]
    rows = []
    for place, first in enumerate(methods[0][key]):
        label = first["class"] if key == "by_class" else f"{first['group']}: {first['value']}"
        covered = (write_interval(one[key][place]["coverage"], write_share) for one in methods)
        rows.append((label, write_count(first["items"]), *covered))
    return html.Table(
        f"Share of items of each {name} whose set holds the drawn vote.",
        (name, "items", *(method["name"].upper() for method in methods)),
        tuple(rows),
    )
