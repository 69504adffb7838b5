"""Rows of a csv file, a parquet file or a data frame, one after another."""

import contextlib
import pathlib

from hetero_unc.data.csv_rows import csv_rows
from hetero_unc.data.frame_rows import frame_rows
from hetero_unc.data.names import LONGEST_NAME
from hetero_unc.data.parquet_rows import parquet_rows

__all__ = ["cell_text", "open_rows"]

READERS = {".csv": csv_rows, ".parquet": parquet_rows}


@contextlib.contextmanager
def open_rows(source, *, name):
    """Open a table; yields its name for messages, its columns and its rows.

    Nothing in a file is trusted: not its text, not its quotes, not the sizes it states. Files are
    read in pieces; what is kept of a row is for the caller to say.

    Parameters
    ----------
    source : path or data frame
        A .csv or .parquet file (the latter needs pyarrow), or any data frame in memory that
        narwhals knows: of pandas, polars, pyarrow and others.
    name : str
        Of the argument, for messages.

    Yields
    ------
    where : str
    columns : list of str
        Each there once, without blanks around it.
    rows : iterator of (str, list)
        Where the row stands, and its cells. "line 3" of a csv file, whose header is line 1, with
        strings for cells, as many as there are; "row 0" is the first of the others, with values of
        Python's own types. Empty lines are left out.

    Raises
    ------
    OSError
        Where the file is missing or may not be read.
    ValueError
        Naming the file, where it is damaged or no table; while rows are read, too.
    ImportError
        Where a library is missing that the source needs.
    """
    if not isinstance(source, (str, pathlib.Path)):
        columns, rows = frame_rows(source, name=name)
        yield f"`{name}`", _check_columns(columns, f"`{name}`"), rows
        return
    path = pathlib.Path(source)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ValueError(
            f"`{name}` must be a file whose name ends in {' or '.join(READERS)}. "
            f"Received: {str(path)!r}"
        )
    with open(path, "rb") as file:
        columns, rows = READERS[suffix](file, path)
        yield str(path), _check_columns(columns, path), rows


def cell_text(value):
    """A cell as text without blanks around it: "" where there is no value, "3" for 3.0.

    A column of counts in which one is missing often comes as floats.
    """
    if type(value) is str:
        return value.strip()
    if value is None or value != value:
        return ""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()


def _check_columns(columns, where):
    columns = [str(name).strip() for name in columns]
    unnamed = [position for position, name in enumerate(columns, 1) if not name]
    if not columns or unnamed:
        raise ValueError(
            f"{where} must name each of its columns in its first line. Received: "
            + (f"no name for column {unnamed[0]} of {len(columns)}" if columns else "nothing")
        )
    longest = max(columns, key=len)
    if len(longest) > LONGEST_NAME:
        raise ValueError(
            f"{where} must have column names of at most {LONGEST_NAME} characters. "
            f"Received: {longest!r:.60} of {len(longest)}"
        )
    distinct = set(columns)
    if len(distinct) < len(columns):
        twice = next(name for name in columns if name in distinct and columns.count(name) > 1)
        raise ValueError(
            f"{where} must have columns of different names. Received: {twice!r:.60} more than once"
        )
    return columns
