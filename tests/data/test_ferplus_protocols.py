"""Protocols of FER+ on rows worked out by hand, and the counts of the real set."""

import numpy as np
import pytest

from hetero_unc.data.ferplus import CLASSES_8, CLASSES_9, FerPlus
from hetero_unc.data.ferplus_protocols import PROTOCOLS

# Votes, then the label and the emotions taken by each mode; None where the row is dropped.
#   neutral happiness surprise sadness anger disgust fear contempt unknown NF
BY_HAND = {
    "unanimous": ([0, 10, 0, 0, 0, 0, 0, 0, 0, 0], 1, [1], [1], 1),
    "a single vote is no vote": ([1, 0, 0, 5, 0, 2, 1, 1, 0, 0], 3, [3, 5], [3], 3),
    "half is no majority": ([5, 0, 0, 5, 0, 0, 0, 0, 0, 0], None, [0, 3], [0, 3], 0),
    "three emotions": ([0, 0, 4, 3, 0, 0, 3, 0, 0, 0], None, [2, 3, 6], [2, 3, 6], 2),
    "an equal fourth is one too many": ([4, 2, 2, 2, 0, 0, 0, 0, 0, 0], None, None, None, 0),
    "all alike": ([2, 2, 2, 2, 2, 0, 0, 0, 0, 0], None, None, None, 0),
    "ten single votes": ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], None, None, None, 0),
    "unknown leads": ([2, 0, 0, 0, 0, 0, 0, 0, 8, 0], None, None, None, None),
    "unknown is second": ([6, 0, 0, 0, 0, 0, 0, 0, 4, 0], 0, [0], [0], 0),
    # Anger and unknown are more than half together; anger alone is not.
    "unknown ends the search": ([0, 0, 0, 0, 4, 2, 0, 0, 4, 0], None, None, [4], 4),
    "not a face": ([0, 0, 0, 0, 0, 0, 0, 0, 0, 10], None, None, None, None),
    "some see no face": ([7, 0, 0, 0, 0, 0, 0, 0, 0, 3], 0, [0], [0], 0),
    "nine votes": ([5, 4, 0, 0, 0, 0, 0, 0, 0, 0], 0, [0, 1], [0, 1], 0),
}
MODES = ("ferplus_majority", "ferplus_cross_entropy", "ferplus_multi_target", "plurality")
COUNTS = {
    "paper_nine_columns": (28_559, 3_579, 3_573),
    "ferplus_majority": (25_060, 3_199, 3_153),
    "ferplus_probability": (27_956, 3_505, 3_505),
    "ferplus_cross_entropy": (27_956, 3_505, 3_505),
    "ferplus_multi_target": (27_671, 3_472, 3_472),
    "plurality": (28_389, 3_553, 3_546),
}


def items(votes, names=None, usage=None):
    votes = np.array(votes)
    count = len(votes)
    return FerPlus(
        images=np.zeros((count, 48, 48, 1), np.uint8),
        votes=votes,
        emotion=np.zeros(count, np.int64),
        usage=np.array(usage or ["Training"] * count),
        names=np.array(names or ["fer0000000.png"] * count),
        source="by hand",
    )


@pytest.mark.parametrize("case", BY_HAND)
def test_ferplus_modes_give_what_was_worked_out_by_hand(case):
    votes, majority, most, large, first = BY_HAND[case]
    expected = dict(zip(MODES, (majority, most, large, first), strict=True))
    for mode, result in expected.items():
        protocol = PROTOCOLS[mode](items([votes, [0, 0, 0, 0, 0, 0, 0, 10, 0, 0]]))
        found = 0 in protocol.rows
        assert found == (result is not None), mode
        if not found:
            continue
        emotions = [result] if isinstance(result, int) else result
        assert np.flatnonzero(protocol.distribution[0]).tolist() == emotions, mode
        assert protocol.labels[0] == emotions[0], mode
        assert protocol.votes[0].tolist() == votes[:8], mode


def test_distributions_are_those_worked_out_by_hand():
    ferplus = items([[1, 0, 0, 5, 0, 2, 1, 1, 0, 0], [3, 0, 0, 0, 2, 2, 0, 0, 2, 1]])
    by_name = {name: protocol(ferplus).distribution[0] for name, protocol in PROTOCOLS.items()}
    taken = np.array([0, 0, 0, 5, 0, 2, 0, 0]) / 7
    np.testing.assert_allclose(by_name["ferplus_cross_entropy"], taken)
    np.testing.assert_allclose(by_name["ferplus_probability"], taken)
    np.testing.assert_array_equal(by_name["ferplus_majority"], np.eye(8)[3])
    np.testing.assert_array_equal(by_name["plurality"], np.eye(8)[3])
    shares = np.array([1, 0, 0, 5, 0, 2, 1, 1, 0]) / 10
    np.testing.assert_allclose(by_name["paper_nine_columns"], shares)
    alike = PROTOCOLS["ferplus_multi_target"](items([[4, 0, 0, 6, 0, 0, 0, 0, 0, 0]]))
    np.testing.assert_allclose(alike.distribution, [[0.5, 0, 0, 0.5, 0, 0, 0, 0]])
    assert alike.labels.tolist() == [3]


def test_not_a_face_is_left_out_of_the_shares_of_the_paper():
    protocol = PROTOCOLS["paper_nine_columns"](items([[3, 0, 0, 0, 2, 0, 0, 0, 1, 4]]))
    np.testing.assert_allclose(protocol.distribution, [[0.5, 0, 0, 0, 1 / 3, 0, 0, 0, 1 / 6]])
    assert protocol.votes.sum() == 6


@pytest.mark.parametrize("name", PROTOCOLS)
def test_rows_without_a_name_are_dropped(name):
    votes = [[0, 10, 0, 0, 0, 0, 0, 0, 0, 0]] * 3
    protocol = PROTOCOLS[name](items(votes, names=["a.png", "", "b.png"]))
    assert protocol.rows.tolist() == [0, 2]
    assert protocol.name == name


def test_a_protocol_is_restricted_to_one_part():
    usage = ["Training", "PublicTest", "Training", "PrivateTest"]
    ferplus = items(np.eye(10, dtype=int)[:4] * 10, usage=usage)
    protocol = PROTOCOLS["paper_nine_columns"](ferplus)
    part = protocol.among(ferplus.rows_of("Training"))
    assert part.rows.tolist() == [0, 2]
    assert part.labels.tolist() == [0, 2]
    assert (part.name, part.statement) == (protocol.name, protocol.statement)
    assert len(protocol.among([])) == 0
    assert protocol.among([2, 3]).rows.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (np.array([True, False, True, False]), "dtype=bool"),
        (["0", "2"], "dtype=<U1"),
        ([0.0, 2.0], "dtype=float64"),
        ([[0, 2]], r"shape=\(1, 2\)"),
        (2, r"shape=\(\)"),
        ([*range(4), -1], "least -1"),
        (["a\nb" * 99], r"\['a\\nb.{,80}$"),
        ([[0], [1, 2]], "inhomogeneous"),
    ],
)
def test_what_are_no_row_numbers_is_refused(rows, found):
    protocol = PROTOCOLS["paper_nine_columns"](items(np.eye(10, dtype=int)[:4] * 10))
    with pytest.raises(ValueError, match=rf"`rows` must be .* Received: .*{found}"):
        protocol.among(rows)


@pytest.mark.real_data
@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_published_numbers_of_rows_come_out(real_ferplus, name):
    protocol = PROTOCOLS[name](real_ferplus)
    usages = ("Training", "PublicTest", "PrivateTest")
    assert tuple(len(protocol.among(real_ferplus.rows_of(u))) for u in usages) == COUNTS[name]
    assert len(protocol) == sum(COUNTS[name])
    np.testing.assert_allclose(protocol.distribution.sum(axis=1), 1)
    assert protocol.classes == (CLASSES_9 if name == "paper_nine_columns" else CLASSES_8)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "usage", "counts"),
    [
        ("paper_nine_columns", "Training", (10309, 7528, 3562, 3515, 2467, 191, 652, 165, 170)),
        ("paper_nine_columns", "PublicTest", (1335, 899, 456, 412, 319, 34, 74, 24, 26)),
        ("paper_nine_columns", "PrivateTest", (1262, 928, 444, 444, 325, 23, 93, 27, 27)),
        ("ferplus_majority", "Training", (8740, 7287, 3149, 3014, 2100, 119, 532, 119)),
        ("ferplus_majority", "PublicTest", (1182, 865, 415, 351, 287, 24, 62, 13)),
        ("ferplus_majority", "PrivateTest", (1090, 893, 396, 384, 273, 18, 83, 16)),
    ],
)
def test_the_published_class_counts_come_out(real_ferplus, name, usage, counts):
    protocol = PROTOCOLS[name](real_ferplus).among(real_ferplus.rows_of(usage))
    assert tuple(np.bincount(protocol.labels, minlength=len(counts))) == counts


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("usage", "cast"),
    [
        ("Training", (85563, 73454, 33074, 38538, 22522, 4247, 9641, 4845, 13591)),
        ("PublicTest", (11430, 8900, 4337, 4265, 3007, 616, 1164, 677, 1381)),
        ("PrivateTest", (10492, 9092, 4079, 4643, 2939, 528, 1369, 540, 1992)),
    ],
)
def test_the_published_numbers_of_votes_come_out(real_ferplus, usage, cast):
    protocol = PROTOCOLS["paper_nine_columns"](real_ferplus).among(real_ferplus.rows_of(usage))
    assert tuple(protocol.votes.sum(axis=0)) == cast


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("usage", "ties", "unanimous", "majority", "fewer", "disagreement", "spread", "entropy"),
    [
        ("Training", 1448, 6149, 21852, 108, 0.3567, 0.2488, 0.6346),
        ("PublicTest", 157, 1006, 2868, 10, 0.3171, 0.2537, 0.5607),
        ("PrivateTest", 170, 814, 2744, 56, 0.3519, 0.2510, 0.6288),
    ],
)
def test_the_published_label_statistics_come_out(
    real_ferplus, usage, ties, unanimous, majority, fewer, disagreement, spread, entropy
):
    protocol = PROTOCOLS["paper_nine_columns"](real_ferplus).among(real_ferplus.rows_of(usage))
    votes, shares = protocol.votes, protocol.distribution
    top = votes.max(axis=1, keepdims=True)
    assert np.count_nonzero((votes == top).sum(axis=1) > 1) == ties
    assert np.count_nonzero(shares.max(axis=1) == 1) == unanimous
    assert np.count_nonzero(shares.max(axis=1) > 0.5) == majority
    assert np.count_nonzero(votes.sum(axis=1) < 10) == fewer
    differing = 1 - (shares**2).sum(axis=1)
    assert round(differing.mean(), 4) == disagreement
    assert round(differing.std(), 4) == spread
    logs = np.log(np.where(shares > 0, shares, 1))
    assert round(-(shares * logs).sum(axis=1).mean(), 4) == entropy
