"""The history of a run as a table: a row an epoch, NaN where nothing was measured."""

import csv

from hetero_unc.writing import write_atomically

__all__ = ["read_history", "write_history"]


def read_history(path):
    """Rows of `history.csv`: dicts of float, but for `epoch`.

    Raises
    ------
    ValueError
        Naming the file, if it is missing, not whole or not of epochs 1, 2, 3 and so on.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = [
                {
                    name: int(value) if name == "epoch" else float(value)
                    for name, value in row.items()
                }
                for row in csv.DictReader(file)
            ]
        if [row["epoch"] for row in rows] != list(range(1, len(rows) + 1)):
            raise ValueError("its epochs are not 1, 2, 3 and so on")
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ValueError(
            f"{path} is not the history of a run: {error}. Delete the run folder"
        ) from error
    return rows


def write_history(path, rows):
    """Write a table with a column for each name in any of `rows`, whole or not at all."""
    with (
        write_atomically(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        names = dict.fromkeys(name for row in rows for name in row)
        writer = csv.DictWriter(file, fieldnames=list(names), restval="nan")
        writer.writeheader()
        writer.writerows(rows)
