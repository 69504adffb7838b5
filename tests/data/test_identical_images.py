"""Groups of identical images against comparison of all pairs, and the counts of the real set."""

import numpy as np
import pytest

from hetero_unc.data.identical_images import has_twin_in, identical_groups


def repeated_images():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 5, 5, 1), np.uint8)
    return images[rng.integers(0, 12, 20)]


def test_groups_are_those_of_comparing_all_pairs():
    images = repeated_images()
    groups = identical_groups(images)
    for row, image in enumerate(images):
        assert groups[row] == next(i for i in range(20) if np.array_equal(images[i], image))
    assert groups.dtype == np.int64


def test_one_pixel_tells_images_apart():
    images = np.zeros((2, 48, 48, 1), np.uint8)
    images[1, 47, 47] = 1
    assert identical_groups(images).tolist() == [0, 1]


@pytest.mark.parametrize("images", [[], [1, 2], [["a"]], np.zeros((3, 0), np.uint8)])
def test_what_is_no_stack_of_images_is_refused(images):
    with pytest.raises(ValueError, match="`images` must be numeric"):
        identical_groups(images)


def test_twins_are_those_of_comparing_all_pairs():
    groups = identical_groups(repeated_images())
    rows, others = np.arange(8), np.arange(5, 15)
    expected = [any(groups[o] == groups[r] and o != r for o in others) for r in rows]
    assert has_twin_in(groups, rows, others).tolist() == expected
    assert True in expected
    assert False in expected


def test_a_row_is_not_its_own_twin():
    assert has_twin_in([0, 1, 1], [0, 1, 2], [0, 1, 2]).tolist() == [False, True, True]
    assert has_twin_in([0, 1, 1], [0, 1, 2], [0, 1]).tolist() == [False, False, True]


def test_a_row_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"`others` must be row numbers in \[0, 3\)"):
        has_twin_in([0, 1, 1], [0], [3])


@pytest.mark.parametrize("rows", [0, [[0]], [True, False, True], ["0"]])
def test_what_are_no_rows_is_refused(rows):
    with pytest.raises(
        ValueError, match=r"`rows` must be row numbers in \[0, 3\)\. Received: shape"
    ):
        has_twin_in([0, 1, 1], rows, [0])


@pytest.mark.parametrize(
    ("rows", "others", "name"), [([0, 2, 2], [1], "rows"), ([0], [1, 0, 0], "others")]
)
def test_a_row_that_is_named_twice_is_refused(rows, others, name):
    twice = {"rows": 2, "others": 0}[name]
    with pytest.raises(ValueError, match=rf"`{name}` must .* at most once. Received: row {twice} "):
        has_twin_in([0, 1, 2], rows, others)


@pytest.fixture(scope="module")
def real_groups(real_ferplus):
    return identical_groups(real_ferplus.images)


@pytest.mark.real_data
def test_identical_images_of_ferplus_are_counted(real_ferplus, real_groups):
    sizes = np.bincount(real_groups)
    assert np.count_nonzero(sizes) == 34_034
    assert np.count_nonzero(sizes > 1) == 1_516
    assert sizes[sizes > 1].sum() == 3_369
    differing = [
        group
        for group in np.flatnonzero(sizes > 1)
        if len(np.unique(real_ferplus.emotion[real_groups == group])) > 1
    ]
    assert len(differing) == 57


@pytest.mark.real_data
def test_scored_rows_of_ferplus_with_a_twin_are_counted(real_ferplus, real_groups):
    training, public, private = map(real_ferplus.rows_of, ("Training", "PublicTest", "PrivateTest"))
    assert has_twin_in(real_groups, public, training).sum() == 280
    assert has_twin_in(real_groups, private, training).sum() == 288
