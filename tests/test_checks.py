"""Each check hands back what is good and names the argument, the rule and the value of the rest."""

import numpy as np
import pytest

from hetero_unc import checks


def refused(check, *arguments, **options):
    """The message with which a check refuses."""
    with pytest.raises(ValueError, match=r".") as caught:
        check(*arguments, **options)
    return str(caught.value)


@pytest.mark.parametrize("value", [1, 7, np.int32(3)])
def test_count_comes_back_as_an_int(value):
    assert checks.check_count(value, name="passes") == value
    assert type(checks.check_count(value, name="passes")) is int


@pytest.mark.parametrize("value", [0, -1, 1.0, 2.5, True, np.True_, "3", None, float("nan")])
def test_count_refuses_all_but_integers_that_are_large_enough(value):
    message = refused(checks.check_count, value, name="passes")
    assert message == f"`passes` must be an integer >= 1. Received: passes={value!r}"


def test_count_takes_another_minimum():
    assert checks.check_count(0, name="epoch", minimum=0) == 0
    message = refused(checks.check_count, -1, name="epoch", minimum=0)
    assert message == "`epoch` must be an integer >= 0. Received: epoch=-1"


@pytest.mark.parametrize("value", [0, 0.0, 0.2, np.float32(0.5), 0.999])
def test_rate_comes_back_as_a_float(value):
    assert checks.check_rate(value, name="dropout") == value
    assert type(checks.check_rate(value, name="dropout")) is float


@pytest.mark.parametrize("value", [1, 1.0, -0.1, float("nan"), False, np.True_, "0.2", None, 0j])
def test_rate_refuses_all_but_numbers_from_zero_to_below_one(value):
    message = refused(checks.check_rate, value, name="dropout")
    assert message == f"`dropout` must be a rate in [0, 1). Received: dropout={value!r}"


def test_choice_lists_the_choices():
    assert checks.check_choice("exp", ("softplus", "exp"), name="link") == "exp"
    message = refused(checks.check_choice, "log", ["softplus", "exp"], name="link")
    assert message == "`link` must be one of ('softplus', 'exp'). Received: link='log'"


@pytest.mark.parametrize("values", [[1, 2], [True, False], np.array([1, 2], np.uint8)])
def test_array_of_whole_numbers_comes_back_as_float64(values):
    array = checks.check_array(values, name="x", ndim=1)
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, values)


def test_array_of_floats_keeps_its_dtype_and_is_not_copied():
    values = np.ones(3, np.float32)
    assert checks.check_array(values, name="x", ndim=1) is values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a"], "`x` must be numeric. Received: dtype=<U1"),
        ([1j], "`x` must be numeric. Received: dtype=complex128"),
        ([None], "`x` must be numeric. Received: dtype=object"),
        ([[1.0]], "`x` must have 1 axes. Received: shape=(1, 1)"),
        (1.0, "`x` must have 1 axes. Received: shape=()"),
        ([], "`x` must not be empty. Received: shape=(0,)"),
        (np.zeros((0, 2)), "`x` must not be empty. Received: shape=(0, 2)"),
        (
            [0.0, np.nan, -np.inf],
            "`x` must be finite. Received: 2 NaN or infinite of 3 values, the first at index 1",
        ),
    ],
)
def test_array_says_what_is_wrong(values, message):
    assert refused(checks.check_array, values, name="x", ndim=1) == message


def test_array_gives_the_index_in_all_axes():
    values = np.zeros((2, 3, 4))
    values[1, 2, 3] = np.nan
    assert refused(checks.check_array, values, name="x", ndim=3).endswith("at index (1, 2, 3)")


def test_ragged_rows_are_refused_by_name():
    for check in (
        lambda values: checks.check_array(values, name="x", ndim=2),
        lambda values: checks.check_labels(values, 2, name="x"),
        lambda values: checks.check_label_distributions(values, name="x"),
        lambda values: checks.check_probabilities(values, name="x"),
        lambda values: checks.check_images(values, name="x"),
    ):
        assert refused(check, [[1.0, 0.0], [1.0]]).startswith("`x` must be an array. Received: ")


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_labels_come_back_as_int64(dtype):
    labels = checks.check_labels(np.array([0, 2, 1], dtype), 3)
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, [0, 2, 1])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "`labels` must not be empty. Received: shape=(0,)"),
        ([[0], [1]], "`labels` must have shape (N,). Received: shape=(2, 1)"),
        (1, "`labels` must have shape (N,). Received: shape=()"),
        ([0.0, 1.0], "`labels` must be integers. Received: dtype=float64, first value=0.0"),
        ([True], "`labels` must be integers. Received: dtype=bool, first value=True"),
        (["7"], "`labels` must be integers. Received: dtype=<U1, first value=7"),
        (
            [0.0, np.nan, np.nan],
            "`labels` must be integers. Received: 2 NaN of 3 values, the first at index 1",
        ),
        (
            [0, 3, -1],
            "`labels` must lie in [0, 3). Received: 2 of 3 outside, the first labels[1]=3",
        ),
    ],
)
def test_labels_say_what_is_wrong(labels, message):
    assert refused(checks.check_labels, labels, 3) == message


def test_labels_need_two_classes():
    message = refused(checks.check_labels, [0], 1)
    assert message == "`num_classes` must be at least 2. Received: num_classes=1"


def test_label_distributions_keep_their_dtype_and_one_hot_integers_become_floats():
    rows = np.array([[0.25, 0.75]], np.float32)
    assert checks.check_label_distributions(rows) is rows
    assert checks.check_label_distributions([[0, 1]]).dtype == np.float64


def test_distributions_may_be_off_by_the_rounding_of_half_precision():
    rows = np.full((1, 10), 0.1, np.float16)
    assert checks.check_probabilities(rows).dtype == np.float64


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0.5, 0.5], "`p` must have 2 axes. Received: shape=(2,)"),
        ([[1.0]], "`p` must have at least 2 classes. Received: shape=(1, 1)"),
        (np.zeros((0, 3)), "`p` must not be empty. Received: shape=(0, 3)"),
        ([[0.5, 0.5], [1.25, -0.25]], "`p` must be >= 0. Received: row 1 holds -0.25"),
        ([[0.5, np.nan]], "`p` must be finite. Received: 1 NaN or infinite of 2 values"),
        (
            [[0.5, 0.5], [2, 1], [0, 0]],
            (
                "Every row of `p` must sum to 1; these may be logits or counts, so normalise "
                "first. Received: row 1 sums to 3 (2 of 3 rows are off)"
            ),
        ),
    ],
)
@pytest.mark.parametrize("check", [checks.check_label_distributions, checks.check_probabilities])
def test_distributions_say_what_is_wrong(check, rows, message):
    assert refused(check, rows, name="p").startswith(message)


def test_distributions_of_more_axes_give_the_whole_index():
    rows = np.full((2, 3, 2), 0.5)
    checks.check_probabilities(rows, ndim=3)
    rows[1, 2] = [0.5, 0.25]
    message = refused(checks.check_probabilities, rows, ndim=3)
    assert message.endswith("row (1, 2) sums to 0.75 (1 of 6 rows are off)")
    rows[0, 1, 0] = -1
    message = refused(checks.check_probabilities, rows, ndim=3)
    assert message == "`y_prob` must be >= 0. Received: row (0, 1) holds -1"


def test_predictions_come_back_as_int64_and_float64():
    y_true, y_prob = checks.check_predictions([0], np.array([[0.5, 0.5]], np.float32))
    assert (y_true.dtype, y_prob.dtype) == (np.int64, np.float64)


@pytest.mark.parametrize(
    ("y_true", "y_prob", "message"),
    [
        ([0], [[0.5, 0.6]], "Every row of `y_prob` must sum to 1"),
        ([2], [[0.5, 0.5]], "`y_true` must lie in [0, 2). Received: 1 of 1 outside, the first"),
        (
            [0, 1],
            [[0.5, 0.5]],
            (
                "`y_true` and `y_prob` must have the same length. "
                "Received: len(y_true)=2, len(y_prob)=1"
            ),
        ),
    ],
)
def test_predictions_say_which_argument_is_wrong(y_true, y_prob, message):
    assert refused(checks.check_predictions, y_true, y_prob).startswith(message)


def test_uncertainty_is_one_finite_number_an_item():
    array = checks.check_uncertainty(np.array([1, 2], np.float32), 2)
    assert array.dtype == np.float64
    message = refused(checks.check_uncertainty, [0.1], 2, name="doubt")
    assert message == "`doubt` must have 2 values. Received: shape=(1,)"
    assert refused(checks.check_uncertainty, [np.inf], 1).startswith("`uncertainty` must be finite")


def test_images_come_back_as_float32():
    for dtype in (np.uint8, np.float32, np.float64):
        images = checks.check_images(np.ones((2, 4, 5, 3), dtype), shape=(4, 5, 3))
        assert images.dtype == np.float32
        assert images.shape == (2, 4, 5, 3)


def test_a_size_that_is_none_accepts_any():
    assert checks.check_images(np.ones((2, 4, 5, 1)), shape=(None, None, 1)).shape == (2, 4, 5, 1)
    assert refused(checks.check_images, np.ones((2, 4, 5, 3)), shape=(None, 5, 1)) == (
        "`images` must have shape (N, any, 5, 1), channels last. Received: shape=(2, 4, 5, 3)"
    )


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (2, 4, 4, 3),
            "`images` must have shape (N, 4, 4, 1), channels last. Received: shape=(2, 4, 4, 3)",
        ),
        (
            (2, 1, 4, 4),
            "`images` must have shape (N, 4, 4, 1), channels last. Received: shape=(2, 1, 4, 4)",
        ),
        ((4, 4, 1), "`images` must have 4 axes. Received: shape=(4, 4, 1)"),
        ((0, 4, 4, 1), "`images` must not be empty. Received: shape=(0, 4, 4, 1)"),
    ],
)
def test_images_say_what_is_wrong_with_their_shape(shape, message):
    assert refused(checks.check_images, np.zeros(shape), shape=(4, 4, 1)) == message


def test_images_count_the_pixels_that_are_not_finite():
    images = np.zeros((2, 4, 4, 1), np.float32)
    images[1, 0, 2, 0], images[1, 3, 3, 0] = np.nan, np.inf
    assert refused(checks.check_images, images) == (
        "`images` must be finite. Received: 2 NaN or infinite of 32 values, "
        "the first at index (1, 0, 2, 0)"
    )


def test_votes_come_back_as_int64():
    for given in ([[0, 3], [1, 2]], np.array([[0.0, 3.0], [1.0, 2.0]], np.float32)):
        votes = checks.check_votes(given)
        assert votes.dtype == np.int64
        np.testing.assert_array_equal(votes, [[0, 3], [1, 2]])


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        ([[1, 2], [0, -1]], "1 other of 4 values, the first -1 at index (1, 1)"),
        ([[0.5, 0.5], [1, 2]], "2 other of 4 values, the first 0.5 at index (0, 0)"),
        ([[1, 2], [0, 0], [0, 0]], "2 of 3 rows without votes, the first row 1"),
        ([[3], [2]], "at least 2 classes. Received: shape=(2, 1)"),
        ([1, 2], "must have 2 axes. Received: shape=(2,)"),
        ([[1, np.nan]], "must be finite"),
        ([["1", "2"]], "must be numeric"),
    ],
)
def test_votes_say_what_is_wrong(votes, message):
    refusal = refused(checks.check_votes, votes)
    assert "`votes`" in refusal
    assert message in refusal


@pytest.mark.parametrize(
    ("votes", "found"),
    [
        ([[1, 2], [10**9 + 1, 3]], "1 larger of 4 values, the first 1000000001 at index (1, 0)"),
        ([[1, 2**40], [2**63, 3]], "2 larger of 4 values, the first 1099511627776 at index (0, 1)"),
        (np.array([[1, 2**64 - 1]], np.uint64), "the first 1.844674407370955e+19 at index (0, 1)"),
        (np.array([[2**63 - 1, 1]], np.int64), "the first 9.223372036854776e+18 at index (0, 0)"),
        ([[1e300, 1.0]], "1 larger of 2 values, the first 1e+300 at index (0, 0)"),
    ],
)
def test_votes_beyond_any_crowd_are_refused_before_they_overflow(votes, found):
    message = refused(checks.check_votes, votes, name="y")
    assert message.startswith("`y` must be at most 1000000000. Received: ")
    assert message.endswith(found)


def test_the_largest_votes_are_taken_as_they_are():
    np.testing.assert_array_equal(checks.check_votes([[10**9, 0]]), [[10**9, 0]])


def test_public_names_are_all_there():
    assert checks.__all__ == sorted(checks.__all__)
    assert all(hasattr(checks, name) for name in checks.__all__)
