"""FER+ from the files that a person has fetched: two csv files, parsed once, or one npz file."""

import hashlib
import logging
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from hetero_unc.archives import read_arrays, write_arrays
from hetero_unc.data.ferplus import ARRAYS, FerPlus
from hetero_unc.data.ferplus_csv import IMAGE_SIDE, USAGES, read_fer2013_csv, read_votes_csv
from hetero_unc.data.sources import VARIABLE

__all__ = ["PUBLISHED_DIGEST", "load_ferplus"]

logger = logging.getLogger("hetero_unc.data")

CSV_NAMES = ("fer2013.csv", "fer2013new.csv")
CSV_SOURCE = "FER2013 and FER+ csv files"
PUBLISHED_DIGEST = "dd99bf9274fec40e2b9b7d0c9633e5a09f0a20401650e5b7ad8f85f5a9015bd2"


def load_ferplus(data_dir=None, cache_dir=None, *, digest=PUBLISHED_DIGEST):
    """Read FER+ from the two published csv files, or from `ferplus.npz`.

    Reading 301 MB of csv takes some ten seconds, so what was read is kept, 89 MB as npz, under the
    digest of both files, and taken from there the next time; content that is refused is not kept.
    A damaged cache is replaced, and one that cannot be written is done without; the logger
    `hetero_unc.data` says so.

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
        return _compared(_from_npz(paths[0]), digest, paths[0].parent)
    cache_dir = Path(cache_dir).expanduser() if cache_dir else _default_cache_dir()
    cached = cache_dir / f"ferplus-{_digest_of_files(*paths)[:32]}.npz"
    kept = _from_cache(cached)
    ferplus = _compared(_read_csv(*paths) if kept is None else kept, digest, paths[0].parent)
    if kept is None:
        _keep(ferplus, cached)
    return ferplus


def _compared(ferplus, digest, folder):
    """`ferplus` if its content is that of `digest`, or digest is None; ValueError if not."""
    if digest is None:
        ferplus = replace(ferplus, source=f"{ferplus.source}, content not compared")
    elif ferplus.digest != digest:
        raise ValueError(
            f"{folder} must hold FER+ as published, content digest {digest}; these files "
            "are altered, incomplete or another set, so fetch them again, or pass digest=None to "
            f"read them as they are. Received: digest {ferplus.digest}, {len(ferplus)} rows"
        )
    logger.info("FER+ read from %s: %s", folder, ferplus.source)
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


def _from_cache(cached):
    """What was kept, or None where there is nothing or it is damaged."""
    if not cached.is_file():
        return None
    try:
        return _checked(read_arrays(cached, kind="cache of FER+", remedy="Read again."))
    except (OSError, ValueError, KeyError) as error:
        logger.warning("cache of FER+ not usable, reading the csv files again: %s", error)
        return None


def _keep(ferplus, cached):
    arrays = {name: getattr(ferplus, name) for name in ARRAYS}
    try:
        write_arrays(cached, {**arrays, "digest": np.array(ferplus.digest)}, compress=False)
    except OSError as error:
        logger.warning("FER+ was read but not kept for the next time: %s", error)


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
    shape = (IMAGE_SIDE, IMAGE_SIDE)
    # Any other number type would be cast on the way, and NaN come out as grey values.
    if differences.dtype != np.uint8 or differences.shape[1:] != shape:
        raise ValueError(
            f"{path}: `images_delta2d` must be uint8 of shape (N, {IMAGE_SIDE}, {IMAGE_SIDE}). "
            f"Received: dtype={differences.dtype}, shape={differences.shape}"
        )
    if usage.dtype != np.uint8 or usage.ndim != 1:
        raise ValueError(
            f"{path}: `usage` must be uint8 of shape (N,). "
            f"Received: dtype={usage.dtype}, shape={usage.shape}"
        )
    if usage.size and usage.max() >= len(USAGES):
        raise ValueError(f"{path}: `usage` must hold 0 to 2. Received: {usage.max()}")
    rows = np.cumsum(differences, axis=1, dtype=np.uint8)
    try:
        return FerPlus(
            images=np.cumsum(rows, axis=2, dtype=np.uint8)[..., None],
            votes=arrays["votes"],
            emotion=arrays["emotion"],
            usage=np.array(USAGES)[usage],
            names=arrays["image_name"],
            source="FER2013 and FER+ as one npz file",
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
