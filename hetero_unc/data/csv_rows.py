"""Rows of a comma-separated file, read line by line, whatever is in it."""

import csv

from hetero_unc.data.names import in_one_line

__all__ = ["csv_rows"]

# Of bytes. A file without line breaks would otherwise be taken into memory whole.
LONGEST_LINE = 2**20


def csv_rows(file, path):
    """Header and rows of a csv file.

    Parameters
    ----------
    file : binary file
        At its start.
    path : path
        Its name, for messages.

    Returns
    -------
    columns : list of str
    rows : iterator of (str, list of str)
        `("line 2", cells)`: where the row starts, and as many cells as it has. Empty lines are
        left out.

    Raises
    ------
    ValueError
        Where the file is no UTF-8, has a line of more than a mebibyte, a cell of more than
        128 KiB or unbalanced quotes; while rows are read, too.
    """
    rows = _read_rows(_Lines(file, path), path)
    _, columns = next(rows, (None, []))
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t|"):
        raise ValueError(
            f"{path} must have commas between its columns. Received: first line {columns[0]!r:.80}"
        )
    return columns, rows


def _read_rows(lines, path):
    reader = csv.reader(lines, strict=True, skipinitialspace=True)
    while True:
        start = lines.read + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # What follows the dash is advice for whoever calls csv.reader.
            reason = in_one_line(error).split(" - ")[0]
            raise ValueError(
                f"{path} must be comma-separated text, with every quote closed. Received: "
                f"{reason}, in the row that starts in line {start}"
            ) from error
        if cells:
            yield f"line {start}", cells


class _Lines:
    """Iterator over the lines of a file as text, which counts them."""

    def __init__(self, file, path):
        self.file, self.path, self.read = file, path, 0

    def __iter__(self):
        return self

    def __next__(self):
        line = self.file.readline(LONGEST_LINE + 1)
        if not line:
            raise StopIteration
        self.read += 1
        if len(line) > LONGEST_LINE:
            raise ValueError(
                f"{self.path} must have lines of at most {LONGEST_LINE} bytes. Received: line "
                f"{self.read} is longer"
            )
        try:
            return line.decode("utf-8-sig" if self.read == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{self.path} must be text in UTF-8; a spreadsheet saves it as 'CSV UTF-8'. "
                f"Received: line {self.read} holds the byte 0x{error.object[error.start]:02x}"
            ) from error
