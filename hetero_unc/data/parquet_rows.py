"""Rows of a parquet file, read piece by piece, whatever is in it."""

from hetero_unc.data.names import LONGEST_NAME, in_one_line

__all__ = ["parquet_rows"]

BATCH = 2**16
# A few bytes of parquet can state as many rows as they like.
MOST_ROWS = 20_000_000


def parquet_rows(file, path):
    """Columns and rows of a parquet file of numbers and text.

    Parameters
    ----------
    file : binary file
        At its start.
    path : path
        Its name, for messages.

    Returns
    -------
    columns : list of str
    rows : iterator of (str, list)
        `("row 0", cells)`; a missing value is None, a text is cut where it is longer than any name
        may be.

    Raises
    ------
    ValueError
        Where the file is damaged, holds other columns than numbers, texts, dates or lists of
        numbers, or more than 20 million rows; while rows are read, too.
    ImportError
        Where pyarrow is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError("Parquet files need pyarrow: pip install pyarrow") from error

    schema = _whole(path, lambda: pyarrow.parquet.ParquetFile(file).schema_arrow)
    for field in schema:
        if not _is_readable(field.type):
            raise ValueError(
                f"{path} must have columns of numbers or text only. Received: column "
                f"{field.name!r:.60} of type {field.type!s:.60}"
            )
    # A long text that is stated once and repeated in every row stays one text this way.
    texts = [field.name for field in schema if _is_text(field.type)]
    parquet = _whole(path, lambda: pyarrow.parquet.ParquetFile(file, read_dictionary=texts))
    if parquet.metadata.num_rows > MOST_ROWS:
        raise ValueError(
            f"{path} must have at most {MOST_ROWS} rows. Received: {parquet.metadata.num_rows}"
        )
    return schema.names, _read_rows(parquet, path)


def _read_rows(parquet, path):
    batches = parquet.iter_batches(BATCH)
    row = 0
    while (batch := _whole(path, lambda: next(batches, None))) is not None:
        columns = _whole(path, lambda batch=batch: [_values(column) for column in batch.columns])
        for cells in zip(*columns, strict=True):
            yield f"row {row}", list(cells)
            row += 1


def _values(column):
    import pyarrow
    import pyarrow.compute

    if pyarrow.types.is_dictionary(column.type):
        dictionary = column.dictionary
        if _is_text(dictionary.type):
            dictionary = pyarrow.compute.utf8_slice_codeunits(dictionary, 0, LONGEST_NAME + 1)
        texts = dictionary.to_pylist()
        return [None if index is None else texts[index] for index in column.indices.to_pylist()]
    if pyarrow.types.is_temporal(column.type):
        # Python's own type has no nanoseconds.
        column = column.cast(pyarrow.string())
    return _stacked(column) if _is_list(column.type) else column.to_pylist()


def _stacked(column):
    """Lists of one length each as rows of one array; others as lists, for the caller to refuse."""
    import pyarrow.compute

    shape, numbers = [len(column)], column
    while _is_list(numbers.type):
        lengths = pyarrow.compute.unique(pyarrow.compute.list_value_length(numbers))
        if len(lengths) != 1 or numbers.null_count or not lengths[0].as_py():
            return column.to_pylist()
        shape.append(lengths[0].as_py())
        numbers = numbers.flatten()
    return numbers.to_numpy(zero_copy_only=False).reshape(shape)


def _whole(path, work):
    try:
        return work()
    # Damage shows as errors of many kinds, OSError among them.
    except Exception as error:
        raise ValueError(f"{path} is not a whole parquet file: {in_one_line(error)}") from error


def _is_text(kind):
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind)


def _is_list(kind):
    from pyarrow import types

    return types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)


def _is_readable(kind):
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_readable(kind.value_type)
    if _is_list(kind):
        inner = kind.value_type
        return types.is_floating(inner) or (_is_list(inner) and _is_readable(inner))
    return (
        _is_text(kind)
        or types.is_null(kind)
        or types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_temporal(kind)
    )
