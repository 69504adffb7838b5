import itertools

import numpy as np
import pytest
from scipy import stats

from hetero_unc.metrics import (
    dirichlet_multinomial_ceiling,
    disagreement,
    fit_dirichlet_multinomial,
    label_entropy,
    moment_ceiling,
    pearson,
    split_half_ceiling,
)

CEILINGS = [moment_ceiling, split_half_ceiling, dirichlet_multinomial_ceiling]


def simulated(parameters, items=4000, votes_per_item=10, seed=0):
    """Votes of items with known crowds, and what one correlates by who knows the crowds."""
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet(parameters, size=items)
    votes = rng.multinomial(votes_per_item, truth)
    return votes, pearson(1 - np.square(truth).sum(axis=1), disagreement(votes))


def test_moment_ceiling_by_a_loop_over_four_votes():
    votes = np.array([[7, 1, 0], [2, 2, 1], [0, 5, 0], [3, 2, 2]])
    means, squares = [], []
    for row in votes:
        labels, n = np.repeat(np.arange(3), row), row.sum()
        differ = [a != b for a, b in itertools.permutations(labels, 2)]
        both = [(a != b) & (c != d) for a, b, c, d in itertools.permutations(labels, 4)]
        means.append((n - 1) / n * np.mean(differ))
        squares.append(((n - 1) / n) ** 2 * np.mean(both))
    expected = np.sqrt((np.mean(squares) - np.mean(means) ** 2) / disagreement(votes).var())
    assert 0.3 < expected < 1
    np.testing.assert_allclose(moment_ceiling(votes), expected, rtol=1e-12)
    wider = np.vstack([votes, [[1, 1, 1], [0, 0, 2]]])
    assert moment_ceiling(wider) == moment_ceiling(votes), "items with too few votes are left out"


@pytest.mark.parametrize("parameters", [[0.3, 0.2, 0.1], [1.0, 1.0, 1.0, 1.0]])
def test_ceiling_is_what_the_truth_reaches(parameters):
    votes, reached = simulated(parameters)
    # One standard error of a correlation is (1 - r^2) / sqrt(n), below .01 here.
    assert abs(moment_ceiling(votes) - reached) < 0.02
    assert abs(dirichlet_multinomial_ceiling(votes, draws=20) - reached) < 0.02


def test_split_halves_give_a_little_less():
    votes, reached = simulated([0.3, 0.2, 0.1])
    assert reached - 0.04 < split_half_ceiling(votes, splits=20) < reached + 0.005


def test_split_half_of_a_quantity_that_is_a_mean_is_what_the_truth_reaches():
    rng = np.random.default_rng(0)
    yes = rng.binomial(10, rng.beta(2, 2, size=4000))

    def first_share(votes):
        return votes[:, 0] / votes.sum(axis=1)

    votes = np.stack([yes, 10 - yes], axis=1)
    reached = np.sqrt(10 / (10 + 4))  # n / (n + a + b) of a beta-binomial
    # The standard error of r between halves, .011 here, is one of .008 of the ceiling.
    assert abs(split_half_ceiling(votes, statistic=first_share, splits=20) - reached) < 0.03
    ceiling = dirichlet_multinomial_ceiling(votes, statistic=first_share, draws=20)
    assert abs(ceiling - reached) < 0.03


def test_more_votes_raise_the_ceiling_and_the_same_crowd_everywhere_has_none():
    few, many = (simulated([0.5, 0.5], items=500, votes_per_item=n)[0] for n in (5, 50))
    for ceiling in CEILINGS:
        assert ceiling(few) < ceiling(many) < 1
    same = np.random.default_rng(0).multinomial(10, [0.5, 0.5], size=4000)
    assert moment_ceiling(same) < 0.3
    assert split_half_ceiling(same, splits=20) < 0.3


def test_unanimous_items_have_no_ceiling():
    votes = [[5, 0], [0, 5], [5, 0]]
    for ceiling in CEILINGS:
        assert np.isnan(ceiling(votes))


def test_draws_without_a_correlation_are_left_out():
    """Of two items, both with disagreement, a redraw has often the same statistic for both."""
    votes = [[2, 2], [3, 1]]
    ceilings = [dirichlet_multinomial_ceiling(votes, draws=1, seed=seed) for seed in range(40)]
    undefined = np.isnan(ceilings)
    assert undefined.any()
    assert not undefined.all()
    # Two items correlate by 1 or -1, so that r of many draws is a mean of signs.
    many = dirichlet_multinomial_ceiling(votes, draws=100)
    assert 0 <= many < 1


def test_the_mean_is_that_of_the_draws_that_have_a_correlation():
    votes = np.array([[2, 2], [3, 1]])
    given = iter([[0.0, 1.0], [0.0, 1.0], [5.0, 5.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])

    def statistic(_):
        return np.array(next(given))

    # Of five redraws correlations of 1, none, -1, 1 and 1 with the first: a mean of 0.5.
    ceiling = dirichlet_multinomial_ceiling(votes, statistic=statistic, draws=5)
    np.testing.assert_allclose(ceiling, np.sqrt(0.5), rtol=1e-12)


def test_no_draw_with_a_correlation_means_no_ceiling():
    given = iter([[0.0, 1.0], [5.0, 5.0], [6.0, 6.0]])
    ceiling = dirichlet_multinomial_ceiling(
        [[2, 2], [3, 1]], statistic=lambda _: np.array(next(given)), draws=2
    )
    assert np.isnan(ceiling)


def test_other_statistics_and_seeds():
    votes, _ = simulated([0.3, 0.2, 0.1], items=300)
    for ceiling in (split_half_ceiling, dirichlet_multinomial_ceiling):
        value = ceiling(votes, statistic=label_entropy, seed=1)
        assert value == ceiling(votes, statistic=label_entropy, seed=1)
        assert value != ceiling(votes, statistic=label_entropy, seed=2)
        assert 0.5 < value < 1


def test_dirichlet_is_the_maximum_of_scipys_likelihood():
    votes, _ = simulated([0.6, 0.3, 0.2], items=500)
    parameters = fit_dirichlet_multinomial(votes)
    assert np.abs(np.log(parameters / [0.6, 0.3, 0.2])).max() < 0.3

    def likelihood(values):
        return stats.dirichlet_multinomial(values, votes.sum(axis=1)).logpmf(votes).sum()

    best = likelihood(parameters)
    for label, factor in itertools.product(range(3), (0.98, 1.02)):
        changed = parameters.copy()
        changed[label] *= factor
        assert likelihood(changed) < best


def test_a_class_that_nobody_voted_for_does_no_harm():
    votes, _ = simulated([0.6, 0.3], items=300)
    wider = np.column_stack([votes, np.zeros(300, dtype=int)])
    parameters = fit_dirichlet_multinomial(wider)
    np.testing.assert_allclose(parameters[:2], fit_dirichlet_multinomial(votes), rtol=1e-3)
    assert parameters[2] < 1e-3


@pytest.mark.parametrize("ceiling", CEILINGS)
def test_bad_votes_are_named(ceiling):
    with pytest.raises(ValueError, match="`votes` must have at least 2 items with"):
        ceiling([[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="`votes` must be counts"):
        ceiling([[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"`votes` must be at most .*1099511627776 at index"):
        ceiling([[2**40, 3], [3, 5]])


def test_halves_of_too_many_votes_are_refused_by_name():
    half = 5 * 10**8
    assert 0 <= split_half_ceiling([[half, half - 1], [3, 5], [9, 1]], splits=2) <= 1
    message = "Every row of `votes` must hold fewer than 1000000000 votes.* row 1 holds 1000000000"
    with pytest.raises(ValueError, match=message):
        split_half_ceiling([[1, 0], [half, half], [3, 5], [9, 1]])


def test_bad_numbers_of_draws_are_named():
    with pytest.raises(ValueError, match="`splits` must be an integer >= 1"):
        split_half_ceiling([[5, 5]] * 2, splits=0)
    with pytest.raises(ValueError, match="`draws` must be an integer >= 1"):
        dirichlet_multinomial_ceiling([[5, 5]] * 2, draws=0)
