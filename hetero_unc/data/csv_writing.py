"""Comma-separated files that are safe to open in a spreadsheet."""

import csv
import re

from hetero_unc.writing import write_atomically

__all__ = ["disarm", "write_csv"]

# A spreadsheet takes a cell that starts with one of these for a formula, and runs it.
FORMULA = re.compile(r"\s*[=+\-@\t\r]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def disarm(text):
    """`text`, with an apostrophe before it where a spreadsheet would run it as a formula.

    Numbers stay as they are.

    Examples
    --------
    >>> disarm("cat.png"), disarm("-0.5"), disarm("=HYPERLINK(A1)")
    ('cat.png', '-0.5', "'=HYPERLINK(A1)")
    """
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def write_csv(path, header, rows):
    """Write rows of strings and numbers as UTF-8, whole or not at all; text is disarmed.

    Parameters
    ----------
    path : path
    header : sequence of str
    rows : iterable of sequences of str, int, float or None
        None is an empty cell.

    Raises
    ------
    OSError
        Naming `path`, where it cannot be written.
    """
    with (
        write_atomically(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([disarm(name) for name in header])
        for row in rows:
            writer.writerow([disarm(cell) if isinstance(cell, str) else cell for cell in row])
