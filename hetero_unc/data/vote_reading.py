"""Votes of annotators from a csv file, a parquet file or a data frame."""

import pathlib

import numpy as np

from hetero_unc.data.bad_rows import BadRows
from hetero_unc.data.names import check_class_names
from hetero_unc.data.table_rows import open_rows
from hetero_unc.data.vote_columns import find_columns
from hetero_unc.data.vote_rows import read_counts, read_labels
from hetero_unc.data.vote_table import Annotations, VoteTable

__all__ = ["read_votes"]

# Of cells, at 8 bytes each. A short file of labels can ask for many items times many classes.
MOST_CELLS = 2**28
MOST_CHARACTERS = 2**29


def read_votes(source, *, classes=None, undecided=(), skip_bad_rows=False, bad_rows_path=None):
    """Read a vote table.

    One column names the items: `image` (a path) or `id`. The rest has one of three forms:

    - a column of counts for each class, a row for each item: `image,cat,dog`. An empty cell is 0.
    - a row for each annotation: `image,annotator,label`. An empty label is no vote; an empty
      annotator is somebody unknown.
    - a row for each item with one `label`: `image,label`.

    In each, `split` and any column `group_NAME` belong to the item, and must be the same in all of
    its rows. Blanks around cells do not count. Items without a vote for any class are listed in
    `without_votes` and left out of the rest.

    Parameters
    ----------
    source : path or data frame
        A .csv file (UTF-8, commas), a .parquet file (needs pyarrow) or a data frame in memory
        (needs narwhals).
    classes : sequence of str, optional
        Names of the classes in the order wanted. By default, with counts: every other column, in
        the order of the file. With labels: they must then be the numbers of the classes, from 0 up
        to the largest that occurs, as the order of names is not in the file.
    undecided : sequence of str
        Columns or labels such as "can't tell" that are answers, but for no class.
    skip_bad_rows : bool, default=False
        Whether rows that cannot be used are left out and written to a file, or refused.
    bad_rows_path : path, optional
        Where they are written; by default beside `source`, as NAME.bad-rows.csv. A data frame has
        no such place.

    Returns
    -------
    VoteTable
        Items in the order of their first row.

    Raises
    ------
    OSError
        Where the file is missing or may not be read, or bad rows cannot be written.
    ValueError
        Where the file is damaged or of another form; where a row is bad and `skip_bad_rows` is
        False, listing the first 20 with line and reason, all counted; where nothing is left.
    ImportError
        Where a library is missing that the source needs.

    Examples
    --------
    >>> read_votes("votes.csv", undecided=["unknown"])  # doctest: +SKIP
    VoteTable(ids=array(['a.png', 'b.png'], dtype='<U5'), classes=('cat', 'dog'), ...)
    """
    if classes is not None:
        classes = check_class_names(classes)
    undecided = _check_undecided(undecided, classes)
    if skip_bad_rows and bad_rows_path is None:
        bad_rows_path = _beside(source)
    with open_rows(source, name="source") as (where, header, rows):
        columns = find_columns(header, classes, undecided, where)
        bad_rows = BadRows(where, header, keep_all=skip_bad_rows)
        annotators, cast = None, None
        if columns.label is None:
            classes = tuple(columns.counts)
            items, votes, unsure = read_counts(rows, columns, bad_rows)
        else:
            items, annotators, cast = read_labels(rows, columns, classes, undecided, bad_rows)
            if classes is None:
                classes = tuple(map(str, range(max(2, cast[2].max(initial=-1) + 1))))
            votes, unsure = _count(cast, len(items), len(classes), where)
    if not skip_bad_rows:
        bad_rows.refuse("Correct them, or skip them: skip_bad_rows=True, --skip-bad-rows.")
    elif len(bad_rows):
        bad_rows.write(bad_rows_path)
    return _table(items, classes, votes, unsure, annotators, cast, len(bad_rows), where)


def _check_undecided(undecided, classes):
    if isinstance(undecided, str):
        raise ValueError(
            f"`undecided` must be a sequence of names. Received: undecided={undecided!r:.60}"
        )
    names = tuple(dict.fromkeys(map(str, undecided)))
    both = [name for name in names if name in (classes or ())]
    if both:
        raise ValueError(f"`undecided` must name no class. Received: {both[0]!r:.60} among both")
    return names


def _beside(source):
    if not isinstance(source, (str, pathlib.Path)):
        raise ValueError(
            "`bad_rows_path` must be given with `skip_bad_rows` where `source` is a data frame. "
            "Received: bad_rows_path=None"
        )
    return pathlib.Path(source).with_suffix(".bad-rows.csv")


def _count(cast, items, classes, where):
    """Votes (N, C) and undecided answers (N,) of single votes."""
    if items * classes > MOST_CELLS:
        raise ValueError(
            f"{where} must ask for at most {MOST_CELLS} items times classes; split it. "
            f"Received: {items} items, {classes} classes"
        )
    rows, _, labels = cast
    chosen = labels >= 0
    flat = np.bincount(rows[chosen] * classes + labels[chosen], minlength=items * classes)
    return flat.reshape(items, classes), np.bincount(rows[~chosen], minlength=items)


def _table(items, classes, votes, unsure, annotators, cast, bad_rows, where):
    kept = votes.sum(axis=1) > 0
    ids = list(items.row_of)
    if not kept.any():
        raise ValueError(
            f"{where} must hold at least one vote for a class. Received: {len(ids)} items without "
            f"any, {bad_rows} bad rows"
        )
    rows = np.flatnonzero(kept)
    annotations = None
    if annotators is not None and items.columns.annotator is not None:
        item, who, label = cast[:, cast[2] >= 0]
        new_row = np.cumsum(kept) - 1
        people = _texts([annotators[index] for index in who], "annotators", where)
        annotations = Annotations(new_row[item], people, label)
    columns = items.columns
    attributes = [
        _texts([items.attributes[row][index] for row in rows], "split or groups", where)
        for index in range(len(columns.attributes))
    ]
    split = None if columns.split is None else attributes.pop(0)
    return VoteTable(
        ids=_texts([ids[row] for row in rows], "ids", where),
        classes=classes,
        votes=votes[rows],
        annotations=annotations,
        split=split,
        groups=dict(zip(columns.groups, attributes, strict=True)),
        undecided=unsure[rows],
        without_votes=tuple(name for name, keep in zip(ids, kept, strict=True) if not keep),
        ignored_columns=columns.ignored,
        bad_rows=bad_rows,
    )


def _texts(values, name, where):
    # Each gets the room of the longest: one long id among millions of short ones would fill memory.
    longest = max(map(len, values))
    if longest * len(values) > MOST_CHARACTERS:
        raise ValueError(
            f"{where} must have shorter {name}: all together get room for {MOST_CHARACTERS} "
            f"characters. Received: {len(values)}, the longest of {longest}"
        )
    return np.array(values, dtype=str)
