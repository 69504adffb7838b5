"""The headlines by group, and which differences are more than chance."""

from hetero_unc.reports import html
from hetero_unc.reports.audit_numbers import (
    write_count,
    write_interval,
    write_number,
    write_share,
)

__all__ = ["group_blocks"]

MEASURES = {
    "accuracy": ("accuracy", write_share),
    "ece_votes": ("calibration error", write_number),
    "disagreement": ("people differ", write_share),
    "epistemic": ("epistemic, nats", write_number),
}
MARK = " *"
MOST_NAMED = 12


def group_blocks(section):
    """A table for each group column, and in words what differs."""
    found = [
        (
            f"{group['group']} {row['value']}:",
            f"{_signed(test, name)} (p {write_number(test['adjusted_p'], 4)})",
        )
        for group in section["groups"]
        for row in group["rows"]
        for name, test in row["tests"].items()
        if test["differs"]
    ]
    words = (
        "Nothing differs from group to group by more than chance would make it."
        if not found
        else f"{len(found)} of {section['tests']} comparisons differ by more than chance, each "
        "value against all others:"
    )
    blocks = [html.Text(words)]
    if found:
        blocks.append(html.Steps(tuple(found[:MOST_NAMED])))
    blocks += [_table(group) for group in section["groups"]]
    for group in section["groups"]:
        against = group.get("epistemic_against_training_share")
        if against:
            blocks.append(
                html.Text(
                    f"{group['group']}: rank correlation of epistemic uncertainty with the share "
                    f"of the training items {write_number(against['spearman'], 2)} "
                    f"(p {write_number(against['p'], 4)}); below 0 the model doubts what it saw "
                    "least of."
                )
            )
    blocks.append(html.Text(f"{section['method']}.", quiet=True))
    return tuple(blocks)


def _table(group):
    return html.Table(
        f"By {group['group']}. An asterisk marks what differs from all others by more than chance.",
        (
            group["group"],
            "items",
            "share of training",
            "accepted",
            *(title for title, _ in MEASURES.values()),
        ),
        tuple(
            (
                row["value"],
                write_count(row["items"]),
                write_share(row.get("training_share")),
                write_share(row["accepted"]),
                *(_cell(row, name) for name in MEASURES),
            )
            for row in group["rows"]
        ),
    )


def _cell(row, name):
    differs = row["tests"].get(name, {}).get("differs", False)
    return write_interval(row.get(name), MEASURES[name][1]) + (MARK if differs else "")


def _signed(test, name):
    title, write = MEASURES[name]
    side = "above" if test["difference"] > 0 else "below"
    return f"{title} {write(abs(test['difference']))} {side} the others"
