"""Predictions out of the rows of a table: one row an item, or one a pass of an item."""

import array
import math

import numpy as np

from hetero_unc.checks import ROW_SUM_TOLERANCE
from hetero_unc.data.bad_rows import BadRows
from hetero_unc.data.names import check_class_names, why_not_a_name
from hetero_unc.data.predictions import Predictions
from hetero_unc.data.table_rows import cell_text
from hetero_unc.data.vote_columns import ID_COLUMNS, find_id_column

__all__ = ["predictions_from_rows"]

MOST_PASSES = 100_000
PREFIXES = {"probabilities": "probability_", "loc": "loc_", "scale": "scale_"}


def predictions_from_rows(where, columns, rows):
    """Predictions out of a table; `read_predictions` says what its columns are.

    Parameters
    ----------
    where : str
        The file's name, for messages.
    columns : list of str
    rows : iterator of (str, list)
        As `open_rows` yields them.

    Returns
    -------
    Predictions

    Raises
    ------
    ValueError
        Where the table is of another form, or a row cannot be used.
    """
    classes, parts = _find_parts(columns, where)
    id_column = find_id_column(columns, where) if set(columns) & set(ID_COLUMNS) else None
    pass_column = columns.index("pass") if "pass" in columns else None
    if pass_column is not None and id_column is None:
        raise ValueError(
            f"{where} must have a column {' or '.join(ID_COLUMNS)} beside the column 'pass'. "
            "Received: none"
        )
    numbers = {name: array.array("d") for name in parts}
    row_of, pass_of, inner = {}, {}, None
    # Of each row in turn: item and pass in one number, which takes less room than two names.
    keys, seen = array.array("q"), set()
    bad_rows = BadRows(where, columns)
    for place, cells in rows:
        try:
            if len(cells) != len(columns):
                raise ValueError(f"has {len(cells)} cells, not {len(columns)}")
            name = _name(cells, id_column, "id", default=str(len(keys)))
            turn = _name(cells, pass_column, "pass", default="")
            key = row_of.get(name, len(row_of)) * MOST_PASSES + pass_of.get(turn, len(pass_of))
            if key in seen:
                raise ValueError(f"{name!r:.60} was there before")
            if len(pass_of) == MOST_PASSES and turn not in pass_of:
                raise ValueError(f"the pass {turn!r:.60} is one more than {MOST_PASSES}")
            found = {part: _numbers(cells, where_to) for part, where_to in parts.items()}
            shape = inner or found["probabilities"][1]
            _check(found, shape)
        except ValueError as reason:
            bad_rows.add(place, str(reason), cells)
            continue
        inner = shape
        row_of.setdefault(name, len(row_of))
        pass_of.setdefault(turn, len(pass_of))
        keys.append(key)
        seen.add(key)
        for part, (values, _) in found.items():
            numbers[part].extend(values)
    bad_rows.refuse("Correct them: predictions are not skipped.")
    _check_complete(where, seen, row_of, pass_of)
    return Predictions(
        ids=None if id_column is None else np.array(list(row_of), dtype=str),
        classes=classes,
        **{
            part: _arrange(values, keys, len(row_of), len(pass_of), inner)
            for part, values in numbers.items()
        },
    )


def _find_parts(columns, where):
    """Names of the classes, if any, and by part the columns of its numbers (or of its lists)."""
    if "probabilities" in columns:
        return None, {part: columns.index(part) for part in PREFIXES if part in columns}
    named = {
        part: [name.removeprefix(prefix) for name in columns if name.startswith(prefix)]
        for part, prefix in PREFIXES.items()
    }
    classes = named["probabilities"]
    if len(classes) < 2:
        raise ValueError(
            f"{where} must have a column 'probability_CLASS' for each of at least 2 classes. "
            f"Received: {', '.join(f'{name!r:.40}' for name in columns[:12])}"
        )
    for part in ("loc", "scale"):
        if named[part] and sorted(named[part]) != sorted(classes):
            raise ValueError(
                f"{where} must have a column '{part}_CLASS' for every class or for none. "
                f"Received: {len(named[part])} of {len(classes)}, or other classes"
            )
    position = {name: index for index, name in enumerate(columns)}
    return check_class_names(classes), {
        part: [position[PREFIXES[part] + name] for name in classes]
        for part in PREFIXES
        if named[part]
    }


def _name(cells, column, what, *, default):
    if column is None:
        return default
    text = cell_text(cells[column])
    reason = why_not_a_name(text)
    if reason:
        raise ValueError(f"the {what} {reason}")
    return text


def _numbers(cells, columns):
    """Numbers of one part of a row, in the order (passes, classes), and the shape they have."""
    if isinstance(columns, int):
        return _listed_numbers(cells[columns])
    try:
        values = [float(cells[column]) for column in columns]
    except (TypeError, ValueError):
        wrong = next(cells[column] for column in columns if not _is_number(cells[column]))
        raise ValueError(f"holds {cell_text(wrong)!r:.60}, no number") from None
    return values, (1, len(values))


def _listed_numbers(cell):
    try:
        numbers = np.array(cell, dtype=np.float64, ndmin=2)
    except (TypeError, ValueError):
        raise ValueError("holds no list of numbers, or lists of different lengths") from None
    return numbers.ravel().tolist(), numbers.shape


def _is_number(cell):
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True


def _check(found, shape):
    """Raise ValueError, in words, unless all parts are of the shape (passes, classes) and valid."""
    for part, (values, own_shape) in found.items():
        if own_shape != shape or len(shape) != 2 or shape[1] < 2:
            raise ValueError(f"`{part}` is of shape {own_shape}, not (passes, classes) = {shape}")
        if not all(map(math.isfinite, values)):
            raise ValueError(f"`{part}` is not finite")
        if part != "loc" and min(values) < 0:
            raise ValueError(f"`{part}` holds {min(values):.6g}, below 0")
    probabilities, classes = found["probabilities"][0], shape[1]
    for start in range(0, len(probabilities), classes):
        total = sum(probabilities[start : start + classes])
        if abs(total - 1) > ROW_SUM_TOLERANCE:
            raise ValueError(f"its probabilities sum to {total:.6g}, not 1; these may be logits")


def _check_complete(where, seen, row_of, pass_of):
    if not seen:
        raise ValueError(f"{where} must hold predictions for at least one item. Received: none")
    if len(seen) < len(row_of) * len(pass_of):
        name, turn = next(
            (name, turn)
            for name, row in row_of.items()
            for turn, index in pass_of.items()
            if row * MOST_PASSES + index not in seen
        )
        raise ValueError(
            f"{where} must have a row for each pass of each item. Received: {len(seen)} rows for "
            f"{len(row_of)} items and {len(pass_of)} passes, none for pass {turn!r:.40} of "
            f"{name!r:.60}"
        )


def _arrange(numbers, keys, items, turns, inner):
    """Numbers in the order of the file as an array (P, N, C)."""
    passes, classes = inner
    row, turn = np.divmod(np.array(keys), MOST_PASSES)
    values = np.frombuffer(numbers, dtype=np.float64).reshape(-1, passes, classes)
    arranged = np.empty_like(values)
    arranged[turn * items + row] = values
    arranged = arranged.reshape(turns, items, passes, classes).swapaxes(1, 2)
    return arranged.reshape(turns * passes, items, classes)
