"""The two csv files of FER+ as published: pixels in `fer2013.csv`, votes in `fer2013new.csv`.

Goodfellow et al. (2013), https://arxiv.org/abs/1307.0414 (FER2013: images, one label each);
Barsoum et al. (2016), https://arxiv.org/abs/1608.01041 (FER+: ten votes for each of its images).
"""

import numpy as np

from hetero_unc.data.csv_rows import csv_rows

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
        spaces) and Usage, in any order; spaces after commas do not count.

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
        Naming the file, where it is no comma-separated UTF-8, or a column is missing or there
        twice; naming row and line too, where a row is not of that form.
    """
    images, emotion, usage = bytearray(), [], []
    for where, fields in _rows(path, FER2013_COLUMNS):
        values = fields["pixels"].split(" ")
        if len(values) != IMAGE_SIDE**2:
            raise _wrong(where, f"{IMAGE_SIDE**2} pixels", len(values))
        try:
            images += bytes(map(PIXELS.__getitem__, values))
        except KeyError as error:
            received = f"{error.args[0]!r:.80}"
            raise _wrong(where, "pixels that are integers 0 to 255", received) from None
        if fields["emotion"] not in EMOTIONS:
            raise _wrong(where, "an emotion from 0 to 6", f"{fields['emotion']!r:.80}")
        emotion.append(EMOTIONS[fields["emotion"]])
        usage.append(_usage(where, fields))
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
        Columns Usage, Image name and `VOTES_COLUMNS`, in any order; spaces after commas do not
        count.

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
        Naming the file, where it is no comma-separated UTF-8, or a column is missing or there
        twice; naming row and line too, where a row is not of that form.
    """
    votes, usage, names = [], [], []
    for where, fields in _rows(path, ("Usage", "Image name", *VOTES_COLUMNS)):
        others = [column for column in VOTES_COLUMNS if fields[column] not in COUNTS]
        if others:
            received = f"{others[0]}={fields[others[0]]!r:.80}"
            raise _wrong(where, "votes that are counts 0 to 10", received)
        counts = [COUNTS[fields[column]] for column in VOTES_COLUMNS]
        if sum(counts) not in VOTES_PER_ROW:
            raise _wrong(where, "ten votes, or nine where one is lost", sum(counts))
        name = fields["Image name"]
        if not name and any(counts[:-1]):
            raise _wrong(where, "a name, or votes for NF only", f"{counts} without a name")
        votes.append(counts)
        usage.append(_usage(where, fields))
        names.append(name)
    return np.array(votes, np.int64), np.array(usage), np.array(names)


def _rows(path, columns):
    """Yield where each row stands, for messages, and its fields; raise for a file of another form.

    Rows are numbered as they are everywhere else, from 0 and without the header; lines as an
    editor counts them.
    """
    number = -1
    with open(path, "rb") as file:
        header, rows = csv_rows(file, path)
        _check_header(path, header, columns)
        for number, (line, cells) in enumerate(rows):
            where = f"{path}, row {number} ({line})"
            if len(cells) != len(header):
                raise _wrong(where, f"{len(header)} fields, as its header has", len(cells))
            yield where, dict(zip(header, cells, strict=True))
    if number == -1:
        raise ValueError(f"{path} must hold rows. Received: a header only")


def _check_header(path, header, columns):
    lacking = [column for column in columns if column not in header]
    # A dict of the fields would keep the last of them, whichever is meant.
    repeated = [column for column in columns if header.count(column) > 1]
    if lacking or repeated:
        faults = [f"{', '.join(lacking)} missing"] if lacking else []
        faults += [f"{', '.join(repeated)} more than once"] if repeated else []
        raise ValueError(
            f"{path} must have the columns {', '.join(columns)} once each; {'; '.join(faults)}. "
            f"Received: {','.join(header)!r:.80}"
        )


def _usage(where, fields):
    if fields["Usage"] not in USAGES:
        raise _wrong(where, f"Usage one of {', '.join(USAGES)}", f"{fields['Usage']!r:.80}")
    return fields["Usage"]


def _wrong(where, expected, received):
    return ValueError(f"{where} must have {expected}. Received: {received}")
