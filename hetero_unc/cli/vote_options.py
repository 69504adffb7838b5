"""What commands that read votes have in common: their options, and how these are obeyed."""

import csv

__all__ = [
    "add_judging_options",
    "add_table_options",
    "matching_notes",
    "read_table",
    "table_notes",
]


def add_table_options(parser):
    """Options that say how a table of votes is read, and where chance starts."""
    parser.add_argument(
        "--classes",
        metavar="NAMES",
        help="names of the classes in order, separated by commas; by default those of the "
        "predictions, if there are any, or the columns of the votes",
    )
    parser.add_argument(
        "--undecided",
        default="",
        metavar="NAMES",
        help="columns or labels that are votes for no class, separated by commas",
    )
    parser.add_argument(
        "--skip-bad-rows",
        action="store_true",
        help="leave out rows of the votes that cannot be used, and write them to a file beside",
    )
    parser.add_argument("--seed", type=int, default=0, help="of all that is random (default: 0)")


def add_judging_options(parser):
    """Options of commands that hold predictions against votes."""
    parser.add_argument(
        "--votes",
        required=True,
        metavar="VOTES",
        help="a .csv or .parquet file with a column `image` or `id` and a column of counts for "
        "each class, or a row for each annotation (image, annotator, label)",
    )
    add_table_options(parser)
    parser.add_argument(
        "--by-position",
        action="store_true",
        help="row i of the predictions is row i of the votes, whatever their ids",
    )
    parser.add_argument(
        "--resamples", type=int, default=1000, help="of the bootstrap (default: 1000)"
    )


def read_table(arguments, predicted_classes=None):
    """The vote table of `arguments.votes`, its classes by default `predicted_classes`."""
    from hetero_unc.data import read_votes

    classes = predicted_classes
    if arguments.classes is not None:
        classes = _split_names(arguments.classes)
    return read_votes(
        arguments.votes,
        classes=classes,
        undecided=_split_names(arguments.undecided),
        skip_bad_rows=arguments.skip_bad_rows,
    )


def table_notes(vote_table):
    """What of the table of votes was not used, in sentences."""
    notes = vote_table.left_out()
    if vote_table.ignored_columns:
        notes.append(f"Columns that were not used: {', '.join(vote_table.ignored_columns)}.")
    return notes


def matching_notes(matched):
    """What had no counterpart, in sentences."""
    notes = []
    if matched.predictions_without_votes:
        notes.append(
            f"{len(matched.predictions_without_votes):,} predictions are of items without votes; "
            "they are in no number."
        )
    if matched.votes_without_predictions:
        notes.append(
            f"{len(matched.votes_without_predictions):,} items with votes have no prediction; they "
            "are in no number."
        )
    if matched.matched_without_suffix:
        notes.append(
            f"{matched.matched_without_suffix:,} ids are alike but for the suffix of an image file "
            "and were taken for the same."
        )
    if matched.by_position:
        notes.append("Predictions and votes were matched by their position, as asked.")
    elif matched.classes_by_position:
        notes.append(
            "The predictions name no classes: their columns were taken in the order of the votes'."
        )
    return notes


def _split_names(text):
    """Names separated by commas, quoted as in a csv file, without the blanks around them."""
    try:
        (names,) = csv.reader([text], skipinitialspace=True)  # a name may itself hold a comma
    except csv.Error as error:
        raise ValueError(
            f"Names must be separated by commas, in one line. Received: {text!r:.60}"
        ) from error
    return tuple(name.strip() for name in names if name.strip())
