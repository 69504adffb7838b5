import numpy as np
import pytest
from scipy import stats

from hetero_unc.metrics import partial_correlation, pearson, spearman


@pytest.fixture
def three():
    rng = np.random.default_rng(0)
    given = rng.normal(size=50)
    return given + rng.normal(size=50), given**3 + rng.normal(size=50), given


def test_pearson_and_spearman_are_scipys(three):
    x, y, _ = three
    np.testing.assert_allclose(pearson(x, y), stats.pearsonr(x, y).statistic)
    tied = np.round(x), np.round(y)
    np.testing.assert_allclose(spearman(*tied), stats.spearmanr(*tied).statistic)


def test_partial_correlation_is_the_recursion_of_pearsons(three):
    (xy, xz), (_, yz) = np.corrcoef(three)[0, 1:], np.corrcoef(three)[1, 1:]
    expected = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    np.testing.assert_allclose(partial_correlation(*three), expected)


def test_partial_correlation_given_two_is_read_off_the_inverse_covariance(three):
    x, y, first = three
    given = np.stack([first, np.random.default_rng(1).normal(size=50) + 1e6], axis=1)
    precision = np.linalg.inv(np.corrcoef([x, y, *given.T]))
    expected = -precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1])
    np.testing.assert_allclose(partial_correlation(x, y, given), expected, rtol=1e-8)


def test_units_do_not_matter(three):
    x, y, given = three
    for factor in (1e-150, 1e150):
        np.testing.assert_allclose(pearson(x * factor, y), pearson(x, y))
        expected = partial_correlation(x, y, given)
        np.testing.assert_allclose(partial_correlation(x, y * factor, given / factor), expected)


def test_what_does_not_vary_has_no_correlation(three):
    x, y, given = three
    constant = np.full(50, 0.1)
    assert np.isnan([pearson(x, constant), spearman(constant, y)]).all()
    assert np.isnan(partial_correlation(2 * given + 1, y, given))
    assert np.isnan(partial_correlation(x, constant, given))
    np.testing.assert_allclose(partial_correlation(x, y, constant), pearson(x, y))


@pytest.mark.parametrize("function", [pearson, spearman])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1.0, 2.0], [1.0], "`x` and `y` must have the same length"),
        ([1.0], [1.0], "`x` must have at least 2 values"),
        ([1.0, np.nan], [1.0, 2.0], "`x` must be finite"),
        ([1.0, 2.0], [[1.0, 2.0]], "`y` must have 1 axes"),
    ],
)
def test_bad_pairs_are_named(function, x, y, message):
    with pytest.raises(ValueError, match=message):
        function(x, y)


def test_bad_given_is_named():
    with pytest.raises(ValueError, match="`given` must be as long as `x`"):
        partial_correlation([1.0, 2.0], [2.0, 1.0], [1.0])
    with pytest.raises(ValueError, match="`given` must have 1 axes"):
        partial_correlation([1.0, 2.0], [2.0, 1.0], np.zeros((2, 1, 1)))
