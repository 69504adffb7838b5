"""The two csv files of FER+ as published: pixels in `fer2013.csv`, votes in `fer2013new.csv`.

Goodfellow et al. (2013), https://arxiv.org/abs/1307.0414 (FER2013: images, one label each);
Barsoum et al. (2016), https://arxiv.org/abs/1608.01041 (FER+: ten votes for each of its images).
"""

import csv

import numpy as np

__all__ = ["IMAGE_SIDE", "USAGES", "VOTES_COLUMNS", "read_fer2013_csv", "read_votes_csv"]

IMAGE_SIDE = 48
USAGES = ("Training", "PublicTest", "PrivateTest")
FER2013_COLUMNS = ("emotion", "pixels", "Usage")
VOTES_COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
# Looked up instead of parsed: faster, and anything but a plain number in range is refused.
EMOTIONS = {str(emotion): emotion for emotion in range(7)}
PIXELS = {str(value): value for value in range(256)}
COUNTS = {str(count): count for count in range(11)}
# Ten people judged each image; one published row has lost a vote.
VOTES_PER_ROW = (9, 10)


def read_fer2013_csv(path):
    """Read images, hard labels and usage from `fer2013.csv`.

    Parameters
    ----------
    path : str or Path
        Columns emotion (0 to 6), pixels (48 x 48 values 0 to 255, row by row, separated by
        spaces) and Usage, in any order.

    Returns
    -------
    images : ndarray of uint8, shape (N, 48, 48, 1)
    emotion : ndarray of int64, shape (N,)
        0 anger, 1 disgust, 2 fear, 3 happiness, 4 sadness, 5 surprise, 6 neutral.
    usage : ndarray of str, shape (N,)
        `"Training"`, `"PublicTest"` or `"PrivateTest"`.

    Raises
    ------
    OSError
        Where the file is not there or cannot be read.
    ValueError
        Where a column is missing or a row is not of that form: names the file and the row.
    """
    images, emotion, usage = bytearray(), [], []
    for row, fields in _rows(path, FER2013_COLUMNS):
        values = fields["pixels"].split(" ")
        if len(values) != IMAGE_SIDE**2:
            raise _wrong(path, row, f"{IMAGE_SIDE**2} pixels", f"{len(values)}")
        try:
            images += bytes(map(PIXELS.__getitem__, values))
        except KeyError as error:
            raise _wrong(path, row, "pixels that are integers 0 to 255", error.args[0]) from None
        if fields["emotion"] not in EMOTIONS:
            raise _wrong(path, row, "an emotion from 0 to 6", fields["emotion"])
        emotion.append(EMOTIONS[fields["emotion"]])
        usage.append(_usage(path, row, fields))
    shape = (len(emotion), IMAGE_SIDE, IMAGE_SIDE, 1)
    return (
        np.frombuffer(images, np.uint8).reshape(shape),
        np.array(emotion, np.int64),
        np.array(usage),
    )


def read_votes_csv(path):
    """Read the votes on each image from `fer2013new.csv`.

    The names are not row numbers, whatever FER+ says of them: only the order of the rows ties
    votes to images.

    Parameters
    ----------
    path : str or Path
        Columns Usage, Image name and `VOTES_COLUMNS`, in any order.

    Returns
    -------
    votes : ndarray of int64, shape (N, 10)
        Counts, in the order of `VOTES_COLUMNS`; the last is "not a face".
    usage : ndarray of str, shape (N,)
    names : ndarray of str, shape (N,)
        Empty where the image has none; only images that all call "not a face" have none.

    Raises
    ------
    OSError
        Where the file is not there or cannot be read.
    ValueError
        Where a column is missing or a row is not of that form: names the file and the row.
    """
    votes, usage, names = [], [], []
    for row, fields in _rows(path, ("Usage", "Image name", *VOTES_COLUMNS)):
        try:
            counts = [COUNTS[fields[column]] for column in VOTES_COLUMNS]
        except KeyError as error:
            raise _wrong(path, row, "votes that are counts 0 to 10", error.args[0]) from None
        if sum(counts) not in VOTES_PER_ROW:
            raise _wrong(path, row, "ten votes, or nine where one is lost", f"{sum(counts)}")
        name = fields["Image name"]
        if not name and any(counts[:-1]):
            raise _wrong(path, row, "a name, or votes for NF only", f"{counts} without a name")
        votes.append(counts)
        usage.append(_usage(path, row, fields))
        names.append(name)
    return np.array(votes, np.int64), np.array(usage), np.array(names)


def _rows(path, columns):
    """Yield the number of each row, from 0, and its fields; raise for a file of another form."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        row = -1
        try:
            lacking = [column for column in columns if column not in (reader.fieldnames or ())]
            if lacking:
                raise ValueError(
                    f"{path} must have the columns {', '.join(columns)}; {', '.join(lacking)} "
                    f"missing. Received: {_short(','.join(reader.fieldnames or ()))}"
                )
            for row, fields in enumerate(reader):
                # DictReader files surplus fields under None and fills missing ones with None.
                if None in fields or None in fields.values():
                    raise _wrong(path, row, f"{len(reader.fieldnames)} fields", "more or fewer")
                yield row, fields
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(
                f"{path} must be a csv file in UTF-8. Received: {error}, line {reader.line_num}"
            ) from error
    if row == -1:
        raise ValueError(f"{path} must hold rows. Received: a header only")


def _usage(path, row, fields):
    if fields["Usage"] not in USAGES:
        raise _wrong(path, row, f"Usage one of {', '.join(USAGES)}", fields["Usage"])
    return fields["Usage"]


def _wrong(path, row, expected, received):
    # Rows are numbered as they are everywhere else, from 0 and without the header.
    return ValueError(
        f"{path}, row {row} (line {row + 2}) must have {expected}. Received: {_short(received)}"
    )


def _short(text):
    return text if len(text) <= 80 else f"{text[:80]}..."
