"""What to do with each item, as a file for those who do it."""

import numpy as np

from hetero_unc.checks import as_array
from hetero_unc.data.csv_writing import write_csv
from hetero_unc.data.names import check_ids, check_texts

__all__ = ["write_routing_csv"]


def write_routing_csv(path, ids, actions, columns):
    """Write a row for each item: its id, its action, and numbers or words beside them.

    UTF-8, comma-separated, whole or not at all. A text that a spreadsheet would run as a formula
    gets an apostrophe before it.

    Parameters
    ----------
    path : path
    ids : array of shape (N,)
        Integers or strings, each once.
    actions : array of str, shape (N,)
    columns : dict of str to array of shape (N,)
        Numbers, bools or strings. Floats are written with 6 significant digits, NaN as an empty
        cell.

    Raises
    ------
    OSError
        Naming `path`, where it cannot be written.
    ValueError
        Where the arrays do not fit together.
    """
    items = len(as_array(ids, name="ids"))
    cells = [check_ids(ids, items).tolist(), check_texts(actions, items, name="actions").tolist()]
    for name, values in columns.items():
        array = as_array(values, name=f"columns[{name!r}]")
        if array.shape != (items,) or array.dtype.kind not in "biufU":
            raise ValueError(
                f"`columns[{name!r}]` must be {items} numbers, bools or strings. "
                f"Received: dtype={array.dtype}, shape={array.shape}"
            )
        if array.dtype.kind == "f":
            cells.append([None if np.isnan(value) else f"{value:.6g}" for value in array.tolist()])
        else:
            cells.append(array.tolist())
    write_csv(path, ["id", "action", *columns], zip(*cells, strict=True))
