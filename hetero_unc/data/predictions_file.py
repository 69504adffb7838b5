"""Predictions of any model, from a file that any framework can write."""

import pathlib

from hetero_unc.checks import check_count
from hetero_unc.data.npz_file import read_npz
from hetero_unc.data.prediction_rows import predictions_from_rows
from hetero_unc.data.predictions import Predictions
from hetero_unc.data.table_rows import open_rows

__all__ = ["read_predictions"]

ARRAYS = ("probabilities", "ids", "loc", "scale", "classes", "trained_on")


def read_predictions(source, *, max_bytes=2**33):
    """Read predicted probabilities, of one pass or of several.

    - .npz, as `numpy.savez` writes it: `probabilities`, (N, C) or (P, N, C); optionally `ids` (N,),
      integers or strings, `classes` (C,), their names, and `loc` and `scale` of Gaussian logits,
      shaped like the probabilities, and `trained_on` (N,), true for the items that the model was
      trained on. Other arrays are not looked at, so files that
      `hetero_unc.predictive.Predictive` saved can be read, too.
    - .csv, .parquet or a data frame: a column `image` or `id`, a column `probability_CLASS` for
      each class; optionally `loc_CLASS` and `scale_CLASS`, and `pass`, any name or number, with a
      row for each pass of each item, in any order.
    - .parquet or a data frame with lists: a column `probabilities` (optionally `loc`, `scale`)
      that holds C numbers, or P lists of C numbers, instead of a column for each class.

    Parameters
    ----------
    source : path or data frame
        Parquet needs pyarrow, data frames need narwhals.
    max_bytes : int, default=8 GiB
        The most that the arrays of an npz file may take in memory.

    Returns
    -------
    Predictions
        Items and passes in the order of their first row.

    Raises
    ------
    OSError
        Where the file is missing or may not be read.
    ValueError
        Where the file is damaged, too large or of another form, or holds what are no predictions;
        bad rows of a table are listed by line and reason, the first 20, all counted.
    ImportError
        Where a library is missing that the source needs.
    """
    max_bytes = check_count(max_bytes, name="max_bytes")
    if isinstance(source, (str, pathlib.Path)):
        path = pathlib.Path(source)
        if path.suffix.lower() == ".npz":
            return _from_npz(path, max_bytes)
        if path.suffix.lower() not in (".csv", ".parquet"):
            raise ValueError(
                "`source` must be a file whose name ends in .npz, .csv or .parquet. "
                f"Received: {str(path)!r}"
            )
    with open_rows(source, name="source") as (where, columns, rows):
        return predictions_from_rows(where, columns, rows)


def _from_npz(path, max_bytes):
    arrays = read_npz(path, ARRAYS, max_bytes=max_bytes)
    if "probabilities" not in arrays:
        raise ValueError(f"{path} must hold an array `probabilities`. Received: none of that name")
    classes = arrays.get("classes")
    if classes is not None and (classes.ndim != 1 or classes.dtype.kind not in "iuU"):
        raise ValueError(
            f"{path} must hold `classes` as names, shape (C,). Received: dtype={classes.dtype}, "
            f"shape={classes.shape}"
        )
    try:
        return Predictions(**arrays)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
