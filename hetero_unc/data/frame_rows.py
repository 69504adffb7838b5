"""Rows of a data frame of any library, through narwhals."""

__all__ = ["frame_rows"]

BATCH = 8192


def frame_rows(frame, *, name):
    """Columns and rows of a data frame.

    Parameters
    ----------
    frame : data frame
        In memory, of pandas, polars, pyarrow or another library that narwhals knows.
    name : str
        Of the argument, for messages.

    Returns
    -------
    columns : list
    rows : iterator of (str, list)
        `("row 0", cells)`; a missing value is None.

    Raises
    ------
    ValueError
        Where it is no such frame, or two columns have one name.
    ImportError
        Where narwhals is not installed.
    """
    try:
        import narwhals
    except ImportError as error:
        raise ImportError("Data frames need narwhals: pip install narwhals") from error
    try:
        table = narwhals.from_native(frame, eager_only=True)
        columns = list(table.columns)
    except TypeError as error:
        raise ValueError(
            f"`{name}` must be a path or a data frame in memory. Received: {type(frame).__name__}"
        ) from error
    return columns, _read_rows(table, columns)


def _read_rows(table, columns):
    for start in range(0, len(table), BATCH):
        batch = table[start : start + BATCH]
        # A missing value is NaN in one library and an object of its own in another.
        values = [
            [None if missing else value for value, missing in zip(column, gaps, strict=True)]
            for column, gaps in (
                (batch[name].to_list(), batch[name].is_null().to_list()) for name in columns
            )
        ]
        for row, cells in enumerate(zip(*values, strict=True), start):
            yield f"row {row}", list(cells)
