import numpy as np
import pytest
from scipy import stats

from hetero_unc.metrics import bootstrap_interval, paired_test


def test_interval_is_that_of_scipys_bootstrap():
    rng = np.random.default_rng(0)
    x = rng.normal(size=40)
    y = x + rng.normal(size=40)

    def correlation(a, b):
        return np.corrcoef(a, b)[0, 1]

    ours = bootstrap_interval(correlation, x, y, resamples=4000, level=0.9)
    theirs = stats.bootstrap(
        (x, y), correlation, paired=True, vectorized=False, n_resamples=4000,
        confidence_level=0.9, method="percentile", rng=np.random.default_rng(1),
    )  # fmt: skip
    assert ours.estimate == correlation(x, y)
    # Quantiles of 4,000 draws: their standard error is about .02 of a standard deviation, .1 here.
    assert abs(ours.low - theirs.confidence_interval.low) < 0.012
    assert abs(ours.high - theirs.confidence_interval.high) < 0.012


def test_interval_of_a_mean_has_the_width_of_its_standard_error():
    x = np.random.default_rng(0).normal(size=400)
    interval = bootstrap_interval(np.mean, x, resamples=4000)
    width = 2 * 1.96 * x.std() / np.sqrt(400)
    np.testing.assert_allclose(interval.high - interval.low, width, rtol=0.06)


def test_groups_are_drawn_whole():
    groups = np.array(["b", "a", "b", "c", "a"])
    seen = []

    def counts(rows):
        seen.append(np.bincount(rows, minlength=5))
        return len(rows)

    bootstrap_interval(counts, np.arange(5), groups=groups, resamples=200)
    for count in seen:
        assert count[0] == count[2]
        assert count[1] == count[4]
        assert count[0] + count[1] + count[3] == 3, "as many groups as there are"
    assert len({tuple(count) for count in seen}) > 5


def test_doubled_items_do_not_narrow_the_interval_if_grouped():
    x = np.random.default_rng(0).normal(size=200)
    twice, groups = np.repeat(x, 2), np.repeat(np.arange(200), 2)
    alone = bootstrap_interval(np.mean, x)
    grouped = bootstrap_interval(np.mean, twice, groups=groups)
    np.testing.assert_allclose([grouped.low, grouped.high], [alone.low, alone.high], rtol=1e-12)
    ungrouped = bootstrap_interval(np.mean, twice)
    assert ungrouped.high - ungrouped.low < 0.8 * (grouped.high - grouped.low)


def test_several_figures_share_the_draws():
    x = np.random.default_rng(0).normal(size=(50, 2))
    together = bootstrap_interval(lambda rows: rows.mean(axis=0), x, resamples=100)
    first = bootstrap_interval(np.mean, x[:, 0], resamples=100)
    assert together.low.shape == together.high.shape == together.estimate.shape == (2,)
    np.testing.assert_allclose(together.low[0], first.low)


def test_same_seed_same_interval():
    x = np.random.default_rng(0).normal(size=50)
    assert bootstrap_interval(np.mean, x, seed=3) == bootstrap_interval(np.mean, x, seed=3)
    assert bootstrap_interval(np.mean, x, seed=3) != bootstrap_interval(np.mean, x, seed=4)


def test_an_undefined_draw_leaves_the_interval_undefined():
    interval = bootstrap_interval(lambda x: np.nan if np.ptp(x) == 0 else 1.0, [0.0, 1.0])
    assert interval.estimate == 1
    assert np.isnan([interval.low, interval.high]).all()


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ([], {}, "`arrays` must hold at least one array"),
        ([[1, 2], [1]], {}, r"`arrays` must .* be of one length.* shapes=\[\(2,\), \(1,\)\]"),
        ([1.0], {}, "`arrays` must have one entry an item"),
        ([[]], {}, "`arrays` must .* not empty"),
        ([[1, 2]], {"groups": [1]}, r"`groups` must have shape \(2,\). Received: shape=\(1,\)"),
        ([[1, 2]], {"level": 95}, r"`level` must lie in \(0, 1\). Received: level=95"),
        ([[1, 2]], {"level": "0.9"}, r"`level` must be a number in \(0, 1\)"),
        ([[1, 2]], {"resamples": 0}, "`resamples` must be an integer >= 1"),
    ],
)
def test_bad_input_is_named(arrays, options, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(np.mean, *arrays, **options)


def test_paired_test_is_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=30), rng.normal(0.3, 1, size=30)
    ours, theirs = paired_test(a, b), stats.ttest_rel(a, b)
    np.testing.assert_allclose(
        [ours.t, ours.p_value, ours.degrees_of_freedom],
        [theirs.statistic, theirs.pvalue, theirs.df],
        rtol=1e-12,
    )
    np.testing.assert_allclose(ours.effect_size * np.sqrt(30), ours.t)


def constant_differences():
    start = np.random.default_rng(0).normal(size=50)
    yield [0.1, 0.2, 0.3], [0.2, 0.3, 0.4]
    yield start, start + 0.1
    yield 1e6 * start, 1e6 * start - 1 / 3
    yield 1e-200 * start, 1e-200 * (start + 1)
    yield np.float32([0.1, 0.2, 0.3]), np.float32([0.2, 0.3, 0.4])
    yield np.float32([0.1, 0.2, 0.3]), [0.2, 0.3, 0.4]


@pytest.mark.parametrize(("a", "b"), list(constant_differences()))
def test_differences_that_only_rounding_tells_apart_are_refused(a, b):
    assert np.ptp(np.subtract(a, b)) > 0
    with pytest.raises(ValueError, match=r"`a` - `b` must vary, .* difference is .* rounding"):
        paired_test(a, b)


def test_differences_just_beyond_rounding_are_tested():
    a = np.array([0.1, 0.2, 0.3, 0.4])
    b = a + np.array([0.1, 0.1, 0.1, 0.1 + 1e-14])
    np.testing.assert_allclose(paired_test(a, b).t, stats.ttest_rel(a, b).statistic, rtol=1e-12)


def test_a_large_pair_does_not_hide_how_small_ones_differ():
    a, b = np.array([1e17, 1.0, 2.0]), np.array([1e17, 0.5, 0.0])
    np.testing.assert_allclose(paired_test(a, b).t, stats.ttest_rel(a, b).statistic, rtol=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1.0], [2.0], "`a` must have at least 2 values"),
        ([1.0, 2.0], [1.0], "`a` and `b` must have the same length"),
        ([1.0, 2.0], [2.0, 3.0], "`a` - `b` must vary, .* every difference is -1"),
        ([1.0, np.nan], [2.0, 3.0], "`a` must be finite"),
    ],
)
def test_bad_pairs_are_named(a, b, message):
    with pytest.raises(ValueError, match=message):
        paired_test(a, b)
