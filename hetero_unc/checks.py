"""Argument checks that every room shares: one error, before any work is done.

Every message names the argument, the rule and the value found. NumPy only.
"""

import numpy as np

__all__ = [
    "as_array",
    "check_array",
    "check_choice",
    "check_count",
    "check_images",
    "check_label_distributions",
    "check_labels",
    "check_predictions",
    "check_probabilities",
    "check_rate",
    "check_uncertainty",
    "check_votes",
]

ROW_SUM_TOLERANCE = 1e-3
# Squares of counts, and sums of them, must stay whole numbers of 64 bits.
LARGEST_COUNT = 10**9


def check_count(value, *, name, minimum=1):
    """Return `value` as an int; raise ValueError unless it is an integer >= `minimum`."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < minimum:
        raise ValueError(f"`{name}` must be an integer >= {minimum}. Received: {name}={value!r}")
    return int(value)


def check_rate(value, *, name):
    """Return `value` as a float; raise ValueError unless it is a number in [0, 1)."""
    number = isinstance(value, (int, float, np.integer, np.floating))
    if not number or isinstance(value, bool) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be a rate in [0, 1). Received: {name}={value!r}")
    return float(value)


def check_choice(value, choices, *, name):
    """Return `value`; raise ValueError unless it is one of `choices`."""
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {tuple(choices)}. Received: {name}={value!r}")
    return value


def as_array(values, *, name):
    """`values` as an array; NumPy's own error about ragged rows does not name the argument."""
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"`{name}` must be an array. Received: {error}") from error


def check_array(values, *, name, ndim):
    """Return `values` as a float array of `ndim` axes: not empty, numeric and finite."""
    array = as_array(values, name=name)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` must be numeric. Received: dtype={array.dtype}")
    if array.size == 0:
        raise ValueError(f"`{name}` must not be empty. Received: shape={array.shape}")
    if array.ndim != ndim:
        raise ValueError(f"`{name}` must have {ndim} axes. Received: shape={array.shape}")
    if array.dtype.kind != "f":
        return array.astype(np.float64)
    bad = array.size - np.count_nonzero(np.isfinite(array))
    if bad:
        raise ValueError(
            f"`{name}` must be finite. Received: {bad} NaN or infinite of {array.size} values, "
            f"the first at index {_first(~np.isfinite(array))}"
        )
    return array


def check_labels(labels, num_classes, *, name="labels"):
    """Return integer classes of shape (N,), each in [0, num_classes), as int64.

    Whole numbers of a float type are refused: a label that arrives as 3.0 has usually been through
    a step that also makes 3.4 or NaN.
    """
    if num_classes < 2:
        raise ValueError(f"`num_classes` must be at least 2. Received: num_classes={num_classes}")
    array = as_array(labels, name=name)
    if array.size == 0:
        raise ValueError(f"`{name}` must not be empty. Received: shape={array.shape}")
    if array.ndim != 1:
        raise ValueError(f"`{name}` must have shape (N,). Received: shape={array.shape}")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ValueError(
            f"`{name}` must be integers. Received: {np.isnan(array).sum()} NaN of {array.size} "
            f"values, the first at index {_first(np.isnan(array))}"
        )
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must be integers. Received: dtype={array.dtype}, first value={array[0]}"
        )
    outside = (array < 0) | (array >= num_classes)
    if outside.any():
        index = _first(outside)
        raise ValueError(
            f"`{name}` must lie in [0, {num_classes}). Received: {np.count_nonzero(outside)} of "
            f"{array.size} outside, the first {name}[{index}]={array[index]}"
        )
    return array.astype(np.int64)


def check_label_distributions(distributions, *, name="labels", ndim=2):
    """Return label distributions of shape (N, C), C >= 2: finite, >= 0, rows summing to one.

    With `ndim` other than 2 the last of `ndim` axes is that of the classes, as in (P, N, C).
    """
    array = check_array(distributions, name=name, ndim=ndim)
    if array.shape[-1] < 2:
        raise ValueError(f"`{name}` must have at least 2 classes. Received: shape={array.shape}")
    smallest = np.atleast_1d(array.min(axis=-1))
    if (smallest < 0).any():
        row = _first(smallest < 0)
        raise ValueError(f"`{name}` must be >= 0. Received: row {row} holds {smallest[row]:.6g}")
    sums = np.atleast_1d(array.sum(axis=-1, dtype=np.float64))
    off = np.abs(sums - 1) > ROW_SUM_TOLERANCE
    if off.any():
        row = _first(off)
        raise ValueError(
            f"Every row of `{name}` must sum to 1; these may be logits or counts, so normalise "
            f"first. Received: row {row} sums to {sums[row]:.6g} ({np.count_nonzero(off)} of "
            f"{off.size} rows are off)"
        )
    return array


def check_probabilities(y_prob, *, name="y_prob", ndim=2):
    """Return probabilities of shape (N, C) as float64; the rules of `check_label_distributions`."""
    return check_label_distributions(y_prob, name=name, ndim=ndim).astype(np.float64)


def check_predictions(y_true, y_prob):
    """Return `(y_true, y_prob)`: int64 (N,) and float64 (N, C), of one length and range."""
    y_prob = check_probabilities(y_prob)
    y_true = check_labels(y_true, y_prob.shape[1], name="y_true")
    if len(y_true) != len(y_prob):
        raise ValueError(
            "`y_true` and `y_prob` must have the same length. "
            f"Received: len(y_true)={len(y_true)}, len(y_prob)={len(y_prob)}"
        )
    return y_true, y_prob


def check_uncertainty(uncertainty, length, *, name="uncertainty"):
    """Return one finite number an item, float64 of shape (length,)."""
    array = check_array(uncertainty, name=name, ndim=1).astype(np.float64)
    if len(array) != length:
        raise ValueError(f"`{name}` must have {length} values. Received: shape={array.shape}")
    return array


def check_images(images, *, shape=None, name="images"):
    """Return finite images of shape (N, H, W, K) as float32.

    `shape` is the `(H, W, K)` that a model takes; None, or a size that is None, accepts any.
    """
    array = as_array(images, name=name)
    if array.ndim == 4 and shape is not None:
        pairs = zip(shape, array.shape[1:], strict=True)
        if any(wanted not in (None, found) for wanted, found in pairs):
            sizes = ", ".join("any" if size is None else str(size) for size in shape)
            raise ValueError(
                f"`{name}` must have shape (N, {sizes}), channels last. "
                f"Received: shape={array.shape}"
            )
    return check_array(array, name=name, ndim=4).astype(np.float32, copy=False)


def check_votes(votes, *, name="votes"):
    """Return counts of votes of shape (N, C), C >= 2, as int64: whole, >= 0, no row without any.

    Counts above 1e9 are refused: nobody was asked so often, and sums of their squares overflow.
    """
    array = check_array(votes, name=name, ndim=2)
    if array.shape[1] < 2:
        raise ValueError(f"`{name}` must have at least 2 classes. Received: shape={array.shape}")
    bad = (array < 0) | (array != np.floor(array))
    if bad.any():
        raise ValueError(
            f"`{name}` must be counts: whole numbers >= 0. Received: {np.count_nonzero(bad)} other "
            f"of {array.size} values, the first {array[bad][0]:.6g} at index {_first(bad)}"
        )
    large = array > LARGEST_COUNT
    if large.any():
        raise ValueError(
            f"`{name}` must be at most {LARGEST_COUNT}. Received: {np.count_nonzero(large)} larger "
            f"of {array.size} values, the first {array[large][0]:.16g} at index {_first(large)}"
        )
    empty = array.sum(axis=1) == 0
    if empty.any():
        raise ValueError(
            f"Every row of `{name}` must hold a vote; leave out items that nobody voted on. "
            f"Received: {np.count_nonzero(empty)} of {empty.size} rows without votes, the first "
            f"row {_first(empty)}"
        )
    return array.astype(np.int64)


def _first(mask):
    """Index of the first True, an int for one axis and a tuple for several."""
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    return index[0] if len(index) == 1 else index
