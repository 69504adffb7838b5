"""`hetero-unc compare`: which of two models is better on the same items. Needs no framework."""

import contextlib
import dataclasses
import pathlib

from hetero_unc.cli.vote_options import add_judging_options, matching_notes, read_table

__all__ = ["add_parser", "run"]

CONDITION_MET = 1


def add_parser(commands):
    """Describe the command and its arguments."""
    parser = commands.add_parser(
        "compare",
        help="say which of two models' predictions are better, and whether that is chance",
        description="Holds two files of predictions against the same votes: paired differences "
        "with bootstrap intervals over items, ties said out loud. Exits with 1 where --fail-if "
        "says so.",
    )
    parser.add_argument("first", metavar="A", help="predictions of the first model")
    parser.add_argument("second", metavar="B", help="predictions of the second model")
    add_judging_options(parser)
    parser.add_argument("--json", metavar="OUT", help="also write the numbers to this file")
    parser.add_argument(
        "--fail-if",
        choices=("worse", "not-better"),
        help="exit with 1 where A is worse than B in any figure, or better in none",
    )
    parser.set_defaults(run=run)


def run(arguments):
    """Print the table; write the json file if asked."""
    from rich.console import Console
    from rich.table import Table

    from hetero_unc.audit import AuditSettings
    from hetero_unc.audit.comparing import compare
    from hetero_unc.data import match, read_predictions
    from hetero_unc.writing import write_json

    first = read_predictions(arguments.first)
    second = read_predictions(arguments.second)
    votes = read_table(arguments, first.classes)
    with naming("A", arguments.first):
        first = match(first, votes, by_position=arguments.by_position)
    with naming("B", arguments.second):
        second = match(second, first.vote_table, by_position=arguments.by_position)
    result = compare(
        in_the_order_of(second, first.predictions),
        second.predictions,
        second.vote_table,
        settings=AuditSettings(resamples=arguments.resamples, seed=arguments.seed),
    )
    names = {"first": "A", "second": "B", "tie": "tie"}
    result = {
        "first": pathlib.Path(arguments.first).name,
        "second": pathlib.Path(arguments.second).name,
        **result,
    }
    if arguments.json:
        write_json(arguments.json, result)
    table = Table(title=f"{result['items']:,} items, {100 * result['level']:.0f} % intervals")
    for name in ("figure", "A", "B", "A - B", "interval", "better"):
        table.add_column(name, justify="left" if name in ("figure", "better") else "right")
    for row in result["rows"]:
        difference = row["difference"]
        interval = f"{difference['low']:+.4f} to {difference['high']:+.4f}"
        table.add_row(
            row["title"],
            f"{row['first']:.4f}",
            f"{row['second']:.4f}",
            f"{difference['estimate']:+.4f}",
            interval,
            names[row["verdict"]],
        )
    console = Console()
    console.print(table)
    verdicts = [row["verdict"] for row in result["rows"]]
    console.print(sentence(verdicts, result["same_prediction"]), highlight=False)
    for name, matched in (("A", first), ("B", second)):
        for note in matching_notes(matched):
            console.print(f"Note on {name}: {note}", highlight=False)
    failed = {
        None: False,
        "worse": "second" in verdicts,
        "not-better": "first" not in verdicts,
    }[arguments.fail_if]
    return CONDITION_MET if failed else 0


@contextlib.contextmanager
def naming(side, path):
    """Errors of one side say which of the two files they are about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{side}, {path}: {error}") from error


def in_the_order_of(matched, predictions):
    """The predictions for the items of `matched`, in its order of items and of classes."""
    table = matched.vote_table
    row_of = {name: row for row, name in enumerate(predictions.ids.tolist())}
    predictions = predictions.take([row_of[name] for name in table.ids.tolist()])
    columns = [predictions.classes.index(name) for name in table.classes]
    arrays = {
        name: getattr(predictions, name)[:, :, columns]
        for name in ("probabilities", "loc", "scale")
        if getattr(predictions, name) is not None
    }
    return dataclasses.replace(predictions, classes=table.classes, **arrays)


def sentence(verdicts, same_prediction):
    """What the table says, in words."""
    ties = verdicts.count("tie")
    same = f"The two name the same class for {100 * same_prediction:.1f} % of the items."
    if ties == len(verdicts):
        return f"A tie: no figure tells the two apart on these items. {same}"
    return (
        f"A is better in {verdicts.count('first')}, B in {verdicts.count('second')}, and {ties} of "
        f"{len(verdicts)} figures are ties. {same}"
    )
