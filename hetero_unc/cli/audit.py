"""`hetero-unc audit`: which predictions to trust, from files alone. Needs no framework."""

import pathlib

from hetero_unc.cli.vote_options import add_judging_options, matching_notes, read_table

__all__ = ["add_parser", "run"]

CONDITION_MET = 1
COLUMNS_OF_ITEMS_ONLY = ("id", "route", "votes", "probabilities")


def add_parser(commands):
    """Describe the command and its arguments."""
    parser = commands.add_parser(
        "audit",
        help="say which predictions to trust, which labels look wrong, where to ask for votes",
        description="Reads anybody's predictions and the votes of annotators; writes audit.html, "
        "audit.json and routing.csv. Entropies are in nats.",
    )
    parser.add_argument(
        "predictions",
        metavar="PREDICTIONS",
        help="a .npz file with `probabilities` (N, C) or (P, N, C) and `ids`, or a .csv or "
        ".parquet file with a column probability_CLASS for each class",
    )
    add_judging_options(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--images",
        metavar="FOLDER",
        help="of the images, whose ids are paths below it: small pictures go on the page",
    )
    parser.add_argument(
        "--target-risk",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="largest share of wrong predictions among the accepted (default: 0.05)",
    )
    parser.add_argument(
        "--risk-confidence",
        type=float,
        default=0.9,
        metavar="SHARE",
        help="probability with which that risk is kept (default: 0.9)",
    )
    parser.add_argument(
        "--contested-disagreement",
        type=float,
        default=0.4,
        metavar="SHARE",
        help="contested is where two people differ at least so often (default: 0.4)",
    )
    parser.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="CONDITION",
        help='exit with 1 where a number of the audit meets a condition, such as "ece_votes>0.05"; '
        "may be given several times",
    )
    parser.set_defaults(run=run)


def run(arguments):
    """Write the three files, print what to do."""
    from rich.console import Console

    from hetero_unc.audit import AuditSettings, audit
    from hetero_unc.audit.conditions import parse_condition
    from hetero_unc.data import match, read_predictions, write_routing_csv
    from hetero_unc.data.image_folder import NamedImages
    from hetero_unc.reports.audit_page import write_audit_page
    from hetero_unc.writing import write_json

    conditions = [parse_condition(text) for text in arguments.fail_if]
    settings = AuditSettings(
        target_risk=arguments.target_risk,
        risk_confidence=arguments.risk_confidence,
        contested_disagreement=arguments.contested_disagreement,
        resamples=arguments.resamples,
        seed=arguments.seed,
    )
    predictions = read_predictions(arguments.predictions)
    table = read_table(arguments, predictions.classes)
    matched = match(predictions, table, by_position=arguments.by_position)
    thumbnails = None
    if arguments.images is not None:
        thumbnails = NamedImages(arguments.images, matched.predictions.ids)
    result = audit(matched.predictions, matched.vote_table, settings=settings)

    numbers = result.as_json()
    numbers["inputs"].update(
        predictions=pathlib.Path(arguments.predictions).name,
        votes=pathlib.Path(arguments.votes).name,
    )
    numbers["notes"] = matching_notes(matched) + numbers["notes"]
    failed = [condition for condition in conditions if condition.holds(result.headline_numbers)]
    out = pathlib.Path(arguments.out)
    write_json(out / "audit.json", numbers)
    columns = {
        name: values for name, values in result.items.items() if name not in COLUMNS_OF_ITEMS_ONLY
    }
    write_routing_csv(out / "routing.csv", result.items["id"], result.items["route"], columns)
    write_audit_page(out / "audit.html", numbers, result.items, thumbnails)

    console = Console()
    print_result(console, numbers)
    console.print(
        f"Written to {out}: audit.html, audit.json, routing.csv",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    for condition in failed:
        value = result.headline_numbers[condition.name]
        console.print(f"Failed: {condition} ({condition.name} is {value:.6g})", highlight=False)
    return CONDITION_MET if failed else 0


def print_result(console, numbers):
    """The first screen of the page and the table of routes."""
    from rich.markup import escape
    from rich.table import Table

    console.print(escape(numbers["first_screen"]["headline"]), style="bold", highlight=False)
    for sentence in numbers["first_screen"]["sentences"]:
        console.print(f"- {escape(sentence)}", highlight=False)
    table = Table()
    for name, justify in (("items", "right"), ("route", "left"), ("what to do", "left")):
        table.add_column(name, justify=justify)
    for row in numbers["routing"]["routes"]:
        table.add_row(f"{row['count']:,}", row["title"], row["do"])
    console.print(table)
    for note in numbers["notes"]:
        console.print(f"Note: {escape(note)}", highlight=False)
