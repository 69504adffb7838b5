"""What people mean by "FER+": which rows are kept, which classes, and what counts as the label.

Test sets of 3,153, 3,505, 3,546 and 3,579 images are all called FER+, so each number needs the
protocol's name beside it. FERPlus' own four are those of its program (Barsoum et al., 2016,
https://arxiv.org/abs/1608.01041; `_process_data` in https://github.com/microsoft/FERPlus). They
first take every single vote for an outlier, and drop a row where the name is missing or what is
left decides for "unknown" or "not a face".
"""

from dataclasses import dataclass, field, replace

import numpy as np

from hetero_unc.checks import as_array
from hetero_unc.data.ferplus import CLASSES_8, CLASSES_9

__all__ = [
    "PROTOCOLS",
    "ProtocolRows",
    "ferplus_cross_entropy",
    "ferplus_majority",
    "ferplus_multi_target",
    "ferplus_probability",
    "paper_nine_columns",
    "plurality",
]


@dataclass(frozen=True, eq=False)
class ProtocolRows:
    """The rows that a protocol keeps, and what it makes of their votes.

    Parameters
    ----------
    name : str
        Name of the function that made it; a key of `PROTOCOLS`.
    statement : str
        One sentence to print beside a number: rows, classes, "unknown" and "not a face".
    classes : tuple of str, length C
        `CLASSES_9` or `CLASSES_8`.
    rows : ndarray of int64, shape (M,)
        Row numbers in `FerPlus`, ascending.
    votes : ndarray of int64, shape (M, C)
        Votes for these classes as they were cast; what disagreement is measured on.
    distribution : ndarray of float64, shape (M, C)
        What the protocol trains on; rows sum to 1.
    labels : ndarray of int64, shape (M,)
        The class that accuracy is scored against; of equals, the first.
    """

    name: str
    statement: str
    classes: tuple[str, ...]
    rows: np.ndarray = field(repr=False)
    votes: np.ndarray = field(repr=False)
    distribution: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)

    def __len__(self):
        return len(self.rows)

    def among(self, rows):
        """The same protocol on those of its rows that are also in `rows`.

        Parameters
        ----------
        rows : array-like of int, shape (K,)
            Row numbers in `FerPlus`, such as `FerPlus.rows_of` gives; in any order, and those that
            the protocol drops may be among them. No mask: `np.flatnonzero` makes rows of one.

        Returns
        -------
        ProtocolRows
            In the order of this one.

        Raises
        ------
        ValueError
            Where `rows` are no integers >= 0 on one axis.
        """
        array = as_array(rows, name="rows")
        # NumPy makes floats of an empty list.
        whole = array.ndim == 1 and (array.dtype.kind in "iu" or array.size == 0)
        if not whole or (array.size and array.min() < 0):
            values = f"the least {array.min()}" if whole else f"{array.ravel()[:3].tolist()!r:.60}"
            raise ValueError(
                "`rows` must be row numbers, integers >= 0, shape (K,); np.flatnonzero makes them "
                f"of a mask. Received: shape={array.shape}, dtype={array.dtype}, {values}"
            )
        kept = np.isin(self.rows, array)
        arrays = ("rows", "votes", "distribution", "labels")
        return replace(self, **{name: getattr(self, name)[kept] for name in arrays})


def paper_nine_columns(ferplus):
    """The nine columns of the paper: every named row with a vote other than "not a face".

    35,711 rows (28,559, 3,579 and 3,573). "Unknown" is a ninth class; "not a face" is left out of
    the shares, so 174 rows are shared out among fewer than ten votes. No vote is an outlier.

    Parameters
    ----------
    ferplus : FerPlus

    Returns
    -------
    ProtocolRows
        `distribution` holds the shares of the votes, `labels` their first maximum.
    """
    votes = ferplus.votes[:, :9]
    kept = np.flatnonzero(_named(ferplus) & (votes.sum(axis=1) > 0))
    return ProtocolRows(
        name="paper_nine_columns",
        statement=(
            "all named rows with a vote other than 'not a face'; nine classes, 'unknown' among "
            "them; 'not a face' left out of the shares"
        ),
        classes=CLASSES_9,
        rows=kept,
        votes=votes[kept],
        distribution=_shares(votes[kept]),
        labels=votes[kept].argmax(axis=1),
    )


def ferplus_majority(ferplus):
    """FERPlus' majority mode: one emotion holds more than half of the votes left.

    31,412 rows (25,060, 3,199 and 3,153). FERPlus scores every model on these, however trained.

    Parameters
    ----------
    ferplus : FerPlus

    Returns
    -------
    ProtocolRows
        `distribution` is one-hot.
    """
    return _of_ferplus(
        ferplus,
        "ferplus_majority",
        _majority,
        "rows where one of eight emotions has more than half of the votes, single votes left out; "
        "the rest, 'unknown' and 'not a face' are dropped",
    )


def ferplus_cross_entropy(ferplus):
    """FERPlus' cross-entropy mode: the two or three emotions that hold most of the votes left.

    34,966 rows (27,956, 3,505 and 3,505). Emotions are taken by falling number of votes, equals
    together, until they hold three quarters of them; "unknown" or "not a face" on the way ends
    it. Dropped where they hold no more than half, or there are more than three.

    Parameters
    ----------
    ferplus : FerPlus

    Returns
    -------
    ProtocolRows
        `distribution` holds the shares of the emotions taken.
    """
    return _of_ferplus(ferplus, "ferplus_cross_entropy", _most_of_the_votes, MOST_OF_THE_VOTES)


def ferplus_probability(ferplus):
    """FERPlus' probability mode: rows and distribution of the cross-entropy mode.

    The modes differ in training only: this one draws a label for each image and epoch from
    `distribution`, so that its loss is of one class at a time.

    Parameters
    ----------
    ferplus : FerPlus

    Returns
    -------
    ProtocolRows
    """
    return _of_ferplus(
        ferplus,
        "ferplus_probability",
        _most_of_the_votes,
        f"{MOST_OF_THE_VOTES}; one label drawn for each image and epoch",
    )


def ferplus_multi_target(ferplus):
    """FERPlus' multi-target mode: each emotion with 30 % of the votes left is right.

    34,615 rows (27,671, 3,472 and 3,472). Dropped where they hold no more than half together.

    Parameters
    ----------
    ferplus : FerPlus

    Returns
    -------
    ProtocolRows
        `distribution` gives the emotions taken equal shares; `labels` is the one with most votes.
    """
    protocol = _of_ferplus(
        ferplus,
        "ferplus_multi_target",
        _all_large,
        "every one of eight emotions with 30 % of the votes counts alike, single votes left out; "
        "dropped where 'unknown' or 'not a face' leads or they hold no more than half",
    )
    return replace(protocol, distribution=_shares((protocol.distribution > 0).astype(np.int64)))


def plurality(ferplus):
    """Plain plurality of the ten columns: no outliers, no majority asked for.

    35,488 rows (28,389, 3,553 and 3,546): named, and the first column with most votes is one of
    the eight emotions.

    Parameters
    ----------
    ferplus : FerPlus

    Returns
    -------
    ProtocolRows
        `distribution` is one-hot.
    """
    return _of_votes(
        ferplus,
        "plurality",
        ferplus.votes,
        "named rows where one of eight emotions has most of the votes, of equals the first column; "
        "rows led by 'unknown' or 'not a face' are dropped",
        one_hot=True,
    )


MOST_OF_THE_VOTES = (
    "at most three of eight emotions that hold three quarters of the votes, single votes left out; "
    "dropped where 'unknown' or 'not a face' leads or they hold no more than half"
)
# By name, as configs and results spell them.
PROTOCOLS = {
    protocol.__name__: protocol
    for protocol in (
        paper_nine_columns,
        ferplus_majority,
        ferplus_probability,
        ferplus_cross_entropy,
        ferplus_multi_target,
        plurality,
    )
}


def _of_ferplus(ferplus, name, choose, statement):
    counts = np.where(ferplus.votes == 1, 0, ferplus.votes)
    # A few thousand different rows of counts make up the whole set.
    different, inverse = np.unique(counts, axis=0, return_inverse=True)
    chosen = np.array([choose(row) for row in different])[inverse.reshape(-1)]
    return _of_votes(ferplus, name, chosen, statement)


def _of_votes(ferplus, name, chosen, statement, one_hot=False):
    """The named rows of which the first column with most of the votes `chosen` is an emotion."""
    labels = chosen.argmax(axis=1)
    kept = np.flatnonzero(_named(ferplus) & (labels < 8) & (chosen.max(axis=1) > 0))
    shares = np.eye(8)[labels[kept]] if one_hot else _shares(chosen[kept, :8])
    return ProtocolRows(
        name=name,
        statement=statement,
        classes=CLASSES_8,
        rows=kept,
        votes=ferplus.votes[kept, :8],
        distribution=shares,
        labels=labels[kept],
    )


def _majority(counts):
    return counts * ((counts > counts.sum() / 2) & (counts > 0))


def _most_of_the_votes(counts):
    taken, left = np.zeros_like(counts), counts.copy()
    while counts.sum() - left.sum() < 0.75 * counts.sum() and np.count_nonzero(taken) < 3:
        leading = np.flatnonzero(left == left.max())
        emotions = leading[leading < 8]
        taken[emotions] = counts[emotions]
        left[leading] = 0
        if len(emotions) < len(leading):
            break
    decided = taken.sum() > counts.sum() / 2 and np.count_nonzero(taken) <= 3
    return taken * decided


def _all_large(counts):
    taken = counts * (counts >= 0.3 * counts.sum())
    return taken * (taken.sum() > counts.sum() / 2)


def _named(ferplus):
    return ferplus.names != ""


def _shares(counts):
    return counts / counts.sum(axis=1, keepdims=True)
