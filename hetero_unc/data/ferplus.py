"""FER+: 35,887 small grey faces, each with ten people's votes on its expression."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from hetero_unc.checks import as_array, check_labels, check_votes
from hetero_unc.data.ferplus_csv import IMAGE_SIDE, USAGES, VOTES_COLUMNS

__all__ = [
    "CLASSES_8",
    "CLASSES_9",
    "SPLIT_CONVENTIONS",
    "FerPlus",
    "fer_label_to_ferplus",
]

CLASSES_9 = VOTES_COLUMNS[:9]
CLASSES_8 = VOTES_COLUMNS[:8]
# FER2013 numbers anger, disgust, fear, happiness, sadness, surprise, neutral.
FERPLUS_OF_FER = np.array([4, 5, 6, 1, 3, 2, 0])
# The paper tunes on PrivateTest and tests on PublicTest; FERPlus does the opposite.
SPLIT_CONVENTIONS = {
    "uncnet": {"training": "Training", "validation": "PrivateTest", "test": "PublicTest"},
    "ferplus": {"training": "Training", "validation": "PublicTest", "test": "PrivateTest"},
}
ARRAYS = ("images", "votes", "emotion", "usage", "names")


@dataclass(frozen=True, eq=False)
class FerPlus:
    """Images and votes in the order of the published rows, checked when they are put together.

    A row number is an item's only name: image names repeat, and are no row numbers. All are kept
    as arrays, votes and emotion as int64.

    Parameters
    ----------
    images : array-like of uint8, shape (N, 48, 48, 1)
        Grey values.
    votes : array-like of int, shape (N, 10)
        Counts for `CLASSES_9` and, last, "not a face".
    emotion : array-like of int, shape (N,)
        FER2013's hard label, 0 to 6 in its own order; see `fer_label_to_ferplus`.
    usage : array-like of str, shape (N,)
        `"Training"`, `"PublicTest"` or `"PrivateTest"`.
    names : array-like of str, shape (N,)
        FER+'s image name, empty where there is none.
    source : str
        One line: where the data came from. Names no folder, so it can be published.

    Raises
    ------
    ValueError
        Where an array is misshapen or out of range, or lengths differ.
    """

    images: np.ndarray = field(repr=False)
    votes: np.ndarray = field(repr=False)
    emotion: np.ndarray = field(repr=False)
    usage: np.ndarray = field(repr=False)
    names: np.ndarray = field(repr=False)
    source: str

    def __post_init__(self):
        for name in ("images", "usage", "names"):
            object.__setattr__(self, name, as_array(getattr(self, name), name=name))
        shape = (IMAGE_SIDE, IMAGE_SIDE, 1)
        if self.images.dtype != np.uint8 or self.images.shape[1:] != shape:
            raise ValueError(
                f"`images` must be uint8 of shape (N, {IMAGE_SIDE}, {IMAGE_SIDE}, 1). "
                f"Received: dtype={self.images.dtype}, shape={self.images.shape}"
            )
        votes = check_votes(self.votes)
        if votes.shape[1] != len(VOTES_COLUMNS):
            raise ValueError(
                f"`votes` must have {len(VOTES_COLUMNS)} columns, {', '.join(VOTES_COLUMNS)}. "
                f"Received: shape={votes.shape}"
            )
        for name in ("usage", "names"):
            if getattr(self, name).dtype.kind != "U" or getattr(self, name).ndim != 1:
                raise ValueError(
                    f"`{name}` must hold str, shape (N,). Received: "
                    f"dtype={getattr(self, name).dtype}, shape={getattr(self, name).shape}"
                )
        others = set(np.unique(self.usage).tolist()) - set(USAGES)
        if others:
            raise ValueError(f"`usage` must be one of {USAGES}. Received: {sorted(others)}")
        object.__setattr__(self, "votes", votes)
        emotion = check_labels(self.emotion, len(FERPLUS_OF_FER), name="emotion")
        object.__setattr__(self, "emotion", emotion)
        lengths = {name: len(getattr(self, name)) for name in ARRAYS}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"All arrays must have the same length. Received: {lengths}")

    def __len__(self):
        return len(self.images)

    @cached_property
    def digest(self):
        """sha256 of the content and its order, 64 hexadecimal digits; `source` does not count."""
        digest = hashlib.sha256()
        for name in ARRAYS:
            array = getattr(self, name)
            digest.update(f"{name} {array.shape}\n".encode())
            if array.dtype.kind == "U":
                digest.update("\n".join(array.tolist()).encode())
            else:
                digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)
        return digest.hexdigest()

    def rows_of(self, usage):
        """Row numbers of one part, `"Training"`, `"PublicTest"` or `"PrivateTest"`, ascending."""
        if usage not in USAGES:
            raise ValueError(f"`usage` must be one of {USAGES}. Received: usage={usage!r}")
        return np.flatnonzero(self.usage == usage)


def fer_label_to_ferplus(emotion):
    """FER2013's hard labels as classes of `CLASSES_9`.

    Parameters
    ----------
    emotion : array-like of int, shape (N,)
        0 anger, 1 disgust, 2 fear, 3 happiness, 4 sadness, 5 surprise, 6 neutral.

    Returns
    -------
    int64 array of shape (N,)

    Raises
    ------
    ValueError
        If a label is not an integer from 0 to 6.
    """
    return FERPLUS_OF_FER[check_labels(emotion, len(FERPLUS_OF_FER), name="emotion")]
