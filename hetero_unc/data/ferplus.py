"""FER+: 35,887 small grey faces, each with ten people's votes on its expression."""

import hashlib
import logging
import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from hetero_unc.archives import read_arrays, write_arrays
from hetero_unc.checks import check_labels, check_votes
from hetero_unc.data.ferplus_csv import (
    IMAGE_SIDE,
    USAGES,
    VOTES_COLUMNS,
    read_fer2013_csv,
    read_votes_csv,
)
from hetero_unc.data.sources import VARIABLE

__all__ = [
    "CLASSES_8",
    "CLASSES_9",
    "PUBLISHED_DIGEST",
    "SPLIT_CONVENTIONS",
    "FerPlus",
    "fer_label_to_ferplus",
    "load_ferplus",
]

logger = logging.getLogger("hetero_unc.data")

CLASSES_9 = VOTES_COLUMNS[:9]
CLASSES_8 = VOTES_COLUMNS[:8]
# FER2013 numbers anger, disgust, fear, happiness, sadness, surprise, neutral.
FERPLUS_OF_FER = np.array([4, 5, 6, 1, 3, 2, 0])
# The paper tunes on PrivateTest and tests on PublicTest; FERPlus does the opposite.
SPLIT_CONVENTIONS = {
    "uncnet": {"training": "Training", "validation": "PrivateTest", "test": "PublicTest"},
    "ferplus": {"training": "Training", "validation": "PublicTest", "test": "PrivateTest"},
}
CSV_NAMES = ("fer2013.csv", "fer2013new.csv")
CSV_SOURCE = "FER2013 and FER+ csv files"
ARRAYS = ("images", "votes", "emotion", "usage", "names")
PUBLISHED_DIGEST = "dd99bf9274fec40e2b9b7d0c9633e5a09f0a20401650e5b7ad8f85f5a9015bd2"


@dataclass(frozen=True, eq=False)
class FerPlus:
    """Images and votes in the order of the published rows, checked when they are put together.

    A row number is an item's only name: image names repeat, and are no row numbers.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, 48, 48, 1)
        Grey values.
    votes : ndarray of int64, shape (N, 10)
        Counts for `CLASSES_9` and, last, "not a face".
    emotion : ndarray of int64, shape (N,)
        FER2013's hard label, 0 to 6 in its own order; see `fer_label_to_ferplus`.
    usage : ndarray of str, shape (N,)
        `"Training"`, `"PublicTest"` or `"PrivateTest"`.
    names : ndarray of str, shape (N,)
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
    """FER2013's hard labels, 0 to 6, as classes of `CLASSES_9`; int64, shape (N,).

    Raises ValueError where a label is not an integer from 0 to 6.
    """
    return FERPLUS_OF_FER[check_labels(emotion, len(FERPLUS_OF_FER), name="emotion")]


def load_ferplus(data_dir=None, cache_dir=None, *, digest=PUBLISHED_DIGEST):
    """Read FER+ from the two published csv files, or from `ferplus.npz`.

    Reading 301 MB of csv takes some ten seconds, so what was read is kept, 89 MB as npz, under the
    digest of both files, and taken from there the next time. A damaged cache is replaced, and one
    that cannot be written is done without; the logger `hetero_unc.data` says so.

    Parameters
    ----------
    data_dir : str or Path, optional
        Folder that holds `fer2013.csv` and `fer2013new.csv`, or else `ferplus.npz`, itself or in
        a folder `ferplus`. By default that named by the environment variable `HETERO_UNC_DATA`.
    cache_dir : str or Path, optional
        Where to keep what was read from csv; by default `hetero_unc` in the user's folder of
        caches, `$XDG_CACHE_HOME` or `~/.cache`.
    digest : str or None, optional
        What `FerPlus.digest` must be. None takes other data in the same form.

    Returns
    -------
    FerPlus

    Raises
    ------
    FileNotFoundError
        Where no folder was named or the files are not in it: names those looked for.
    ValueError
        Where a file is not of its form, the two do not belong together, or the content is not
        that of `digest`.
    """
    if data_dir is None:
        data_dir = os.environ.get(VARIABLE)
        if not data_dir:
            raise FileNotFoundError(
                f"`data_dir` must name a folder with {' and '.join(CSV_NAMES)}, or the environment "
                f"variable {VARIABLE} must. Received: neither"
            )
    paths = _find_files(Path(data_dir).expanduser())
    if len(paths) == 1:
        ferplus = _from_npz(paths[0])
    else:
        ferplus = _from_csv(*paths, Path(cache_dir) if cache_dir else _default_cache_dir())
    if digest is None:
        ferplus = replace(ferplus, source=f"{ferplus.source}, content not compared")
    elif ferplus.digest != digest:
        raise ValueError(
            f"{paths[0].parent} must hold FER+ as published, content digest {digest}; these files "
            "are altered, incomplete or another set, so fetch them again, or pass digest=None to "
            f"read them as they are. Received: digest {ferplus.digest}, {len(ferplus)} rows"
        )
    logger.info("FER+ read from %s: %s", paths[0].parent, ferplus.source)
    return ferplus


def _find_files(data_dir):
    """Both csv files of one folder, else the one npz file."""
    folders = (data_dir, data_dir / "ferplus")
    for names in (CSV_NAMES, ("ferplus.npz",)):
        for folder in folders:
            paths = [folder / name for name in names]
            if all(path.is_file() for path in paths):
                return paths
    found = [
        str(path) for folder in folders for name in CSV_NAMES if (path := folder / name).is_file()
    ]
    raise FileNotFoundError(
        f"`data_dir` must hold {' and '.join(CSV_NAMES)}, or ferplus.npz, itself or in a folder "
        f"`ferplus`. Received: data_dir={str(data_dir)!r}, which holds "
        f"{', '.join(found) or 'none of them'}"
    )


def _from_csv(images_path, votes_path, cache_dir):
    cached = cache_dir / f"ferplus-{_digest_of_files(images_path, votes_path)[:32]}.npz"
    if cached.is_file():
        try:
            return _checked(read_arrays(cached, kind="cache of FER+", remedy="Read again."))
        except (OSError, ValueError, KeyError) as error:
            logger.warning("cache of FER+ not usable, reading the csv files again: %s", error)
    ferplus = _read_csv(images_path, votes_path)
    arrays = {name: getattr(ferplus, name) for name in ARRAYS}
    try:
        write_arrays(cached, {**arrays, "digest": np.array(ferplus.digest)}, compress=False)
    except OSError as error:
        logger.warning("FER+ was read but not kept for the next time: %s", error)
    return ferplus


def _checked(arrays):
    """What the cache holds; KeyError or ValueError where it is not what was put there."""
    ferplus = FerPlus(**{name: arrays[name] for name in ARRAYS}, source=CSV_SOURCE)
    if ferplus.digest != str(arrays["digest"]):
        raise ValueError(f"its content must have digest {arrays['digest']}")
    return ferplus


def _read_csv(images_path, votes_path):
    votes, votes_usage, names = read_votes_csv(votes_path)
    images, emotion, usage = read_fer2013_csv(images_path)
    if len(images) != len(votes):
        raise ValueError(
            f"{images_path} and {votes_path} must have the same rows in the same order. "
            f"Received: {len(images)} images, {len(votes)} rows of votes"
        )
    differing = np.flatnonzero(usage != votes_usage)
    if len(differing):
        row = differing[0]
        raise ValueError(
            f"{images_path} and {votes_path} must have the same rows in the same order. Received: "
            f"row {row} is {usage[row]} in the first and {votes_usage[row]} in the second "
            f"({len(differing)} rows differ)"
        )
    return FerPlus(images, votes, emotion, usage, names, source=CSV_SOURCE)


def _digest_of_files(*paths):
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _default_cache_dir():
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "hetero_unc"


def _from_npz(path):
    """FER+ as one compressed file: images as second differences, modulo 256."""
    arrays = read_arrays(path, kind="npz of FER+", remedy="Fetch it again.")
    needed = ("images_delta2d", "votes", "emotion", "usage", "image_name")
    lacking = [name for name in needed if name not in arrays]
    if lacking:
        raise ValueError(
            f"{path} must hold the arrays {', '.join(needed)}. Received: {', '.join(arrays)}"
        )
    differences, usage = arrays["images_delta2d"], arrays["usage"]
    if differences.ndim != 3:
        raise ValueError(
            f"`images_delta2d` must have 3 axes. Received: shape={differences.shape}, {path}"
        )
    if usage.dtype.kind != "u" or (usage.size and usage.max() >= len(USAGES)):
        raise ValueError(f"`usage` must hold unsigned 0 to 2. Received: {usage.max()}, {path}")
    rows = np.cumsum(differences, axis=1, dtype=np.uint8)
    return FerPlus(
        images=np.cumsum(rows, axis=2, dtype=np.uint8)[..., None],
        votes=arrays["votes"],
        emotion=arrays["emotion"],
        usage=np.array(USAGES)[usage],
        names=arrays["image_name"],
        source="FER2013 and FER+ as one npz file",
    )
