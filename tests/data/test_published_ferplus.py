"""What is in the published FER+, counted once more."""

import hashlib

import numpy as np
import pytest

from hetero_unc.data.ferplus_reading import PUBLISHED_DIGEST

USAGES = ("Training", "PublicTest", "PrivateTest")
pytestmark = pytest.mark.real_data


def test_the_published_set_is_read(real_ferplus):
    # The hash of the images is that of the published pixels, taken elsewhere.
    images = hashlib.sha256(np.ascontiguousarray(real_ferplus.images).tobytes()).hexdigest()
    assert images.startswith("c267d81a")
    assert images.endswith("8558b1")
    assert real_ferplus.digest == PUBLISHED_DIGEST
    assert "not compared" not in real_ferplus.source
    assert [len(real_ferplus.rows_of(usage)) for usage in USAGES] == [28_709, 3_589, 3_589]


def test_rows_of_the_published_set_are_counted(real_ferplus):
    votes = real_ferplus.votes
    top = votes == votes.max(axis=1, keepdims=True)
    counted = {
        "no name": (real_ferplus.names == "", (148, 10, 15)),
        "all see no face": (votes[:, 9] == 10, (150, 10, 16)),
        "most see no face": (votes[:, 9] > 5, (150, 10, 16)),
        "some see no face": (votes[:, 9] > 0, (257, 20, 72)),
        "any unknown": (votes[:, 8] > 0, (9_519, 903, 1_447)),
        "most unknown": (votes[:, 8] > votes.sum(axis=1) / 2, (18, 4, 4)),
        "unknown alone at the top": (top[:, 8] & (top.sum(axis=1) == 1), (170, 25, 27)),
        "ties for the top": (top.sum(axis=1) > 1, (1_449, 157, 170)),
    }
    for name, (mask, expected) in counted.items():
        assert tuple(mask[real_ferplus.rows_of(usage)].sum() for usage in USAGES) == expected, name


def test_names_are_not_row_numbers_and_some_repeat(real_ferplus):
    named = np.flatnonzero(real_ferplus.names != "")
    numbers = np.array([int(name[3:10]) for name in real_ferplus.names[named]])
    assert ((named - numbers).min(), (named - numbers).max()) == (-6_437, 7_432)
    rows = {}
    for row in named:
        rows.setdefault(real_ferplus.names[row], []).append(int(row))
    repeated = sorted(rows for rows in rows.values() if len(rows) > 1)
    assert repeated == [[5274, 6968], [5348, 11817], [8423, 15835], [33200, 34334]]


def test_known_odd_rows_of_the_published_set(real_ferplus):
    votes, names = real_ferplus.votes, real_ferplus.names
    assert np.flatnonzero(votes.sum(axis=1) != 10).tolist() == [10435]
    assert votes[10435].sum() == 9
    # One name, two rows: one has ordinary votes, the other ten times "not a face".
    assert votes[34334, 9] == 10
    assert votes[33200, 9] == 0
    all_no_face = votes[:, 9] == 10
    assert np.flatnonzero(all_no_face & (names != "")).tolist() == [10657, 13839, 34334]
    assert votes[names == "", 9].min() == 10
    constant = np.ptp(real_ferplus.images, axis=(1, 2, 3)) == 0
    assert np.count_nonzero(constant) == np.count_nonzero(constant & (names == "")) == 12
    assert real_ferplus.images[constant].max() == 0
