"""What the page says of each item: names, how they are written, and what they mean."""

import dataclasses

__all__ = ["COLUMNS", "Column"]


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of the items: its `kind` says how it is written, `listed` that the table shows it.

    text: as it is; choice: one of few words; share: in percent; count and number: plainly.
    """

    name: str
    title: str
    kind: str
    meaning: str
    listed: bool = True


COLUMNS = (
    Column("id", "Item", "text", "As the predictions name it."),
    Column("route", "What to do", "choice", "The first of the six routes that fits the item."),
    Column("predicted", "Model says", "choice", "The class of the largest mean probability."),
    Column("confidence", "How sure", "share", "That probability."),
    Column("people", "People say", "choice", "The class with most votes; the first where tied."),
    Column("votes_total", "Votes", "count", "All votes that the item got."),
    Column(
        "vote_disagreement",
        "People differ",
        "share",
        "How often two of those who voted name different classes.",
    ),
    Column(
        "predicted_disagreement",
        "Expected to differ",
        "share",
        "How often two people would, as the model forecasts.",
    ),
    Column(
        "epistemic",
        "Passes differ, nats",
        "number",
        "Epistemic uncertainty: large where the model knows too little.",
    ),
    Column(
        "label_error",
        "Votes look wrong",
        "share",
        "Posterior probability that the votes are of another item.",
    ),
    Column(
        "label_change",
        "A vote changes label",
        "share",
        "Probability that one more vote changes the class with most votes.",
    ),
    Column("reason", "Why", "text", "Why the item took its route.", listed=False),
    Column(
        "votes_for_people",
        "Votes for what people say",
        "count",
        "Votes of the class with most of them.",
        listed=False,
    ),
    Column("total", "Total uncertainty, nats", "number", "Of the mean forecast.", listed=False),
    Column(
        "aleatoric",
        "Aleatoric uncertainty, nats",
        "number",
        "What stays when the passes agree: the item itself is ambiguous.",
        listed=False,
    ),
    Column(
        "value_of_one_more_vote",
        "Value of one more vote",
        "number",
        "Expected gain in the probability that the label is right.",
        listed=False,
    ),
    Column(
        "label_quality",
        "Label quality",
        "share",
        "Cleanlab's self-confidence: the forecast for the class with most votes.",
        listed=False,
    ),
    Column(
        "split_role",
        "Used for",
        "choice",
        "Validation items chose the thresholds, evaluated ones judge them.",
        listed=False,
    ),
)
