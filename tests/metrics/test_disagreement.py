import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance

from hetero_unc.metrics import (
    disagreement,
    jensen_shannon_distance,
    jensen_shannon_divergence,
    label_entropy,
    total_variation_distance,
    unbiased_disagreement,
    vote_shares,
)

DISTANCES = [jensen_shannon_distance, jensen_shannon_divergence, total_variation_distance]


def as_labels(row):
    return np.repeat(np.arange(len(row)), row)


def test_disagreement_counts_pairs_with_and_without_replacement(voted):
    votes = voted(items=20, most=8)[0]
    for row, plain, unbiased in zip(
        votes, disagreement(votes), unbiased_disagreement(votes), strict=True
    ):
        labels = as_labels(row)
        differ = [a != b for a, b in itertools.product(labels, repeat=2)]
        np.testing.assert_allclose(plain, np.mean(differ))
        differ = [a != b for a, b in itertools.combinations(labels, 2)]
        np.testing.assert_allclose(unbiased, np.mean(differ))


def test_unbiased_disagreement_is_unbiased():
    truth = np.array([0.6, 0.3, 0.1])
    for votes_per_item in (2, 5):
        every = list(itertools.product(range(3), repeat=votes_per_item))
        votes = np.array([np.bincount(labels, minlength=3) for labels in every])
        chance = np.array([truth[list(labels)].prod() for labels in every])
        np.testing.assert_allclose(chance @ unbiased_disagreement(votes), 1 - truth @ truth)
        expected = (1 - truth @ truth) * (votes_per_item - 1) / votes_per_item
        np.testing.assert_allclose(chance @ disagreement(votes), expected)


def test_a_single_vote_can_not_disagree_and_has_no_unbiased_disagreement():
    assert np.isnan(unbiased_disagreement([[0, 1]])).all()
    assert disagreement([[0, 1]]) == 0


def test_label_entropy_is_scipys(voted):
    votes = voted()[0]
    np.testing.assert_allclose(label_entropy(votes), stats.entropy(votes, axis=1))


def test_jensen_shannon_distance_is_scipys(voted):
    votes, y_prob, _ = voted()
    shares = vote_shares(votes)
    expected = distance.jensenshannon(shares, y_prob, axis=1)
    np.testing.assert_allclose(jensen_shannon_distance(shares, y_prob), expected, rtol=1e-12)
    np.testing.assert_allclose(jensen_shannon_divergence(shares, y_prob), expected**2, rtol=1e-12)


def test_total_variation_is_half_of_cityblock(voted):
    votes, y_prob, _ = voted()
    shares = vote_shares(votes)
    expected = [distance.cityblock(a, b) / 2 for a, b in zip(shares, y_prob, strict=True)]
    np.testing.assert_allclose(total_variation_distance(shares, y_prob), expected)


@pytest.mark.parametrize("function", DISTANCES)
def test_equal_rows_are_at_zero_and_single_precision_rows_never_below(function):
    y_prob = np.random.default_rng(0).dirichlet(np.ones(5), size=500)
    assert (function(y_prob, y_prob) == 0).all()
    single = y_prob.astype(np.float32)
    assert (function(single, y_prob) >= 0).all()
    assert function(single, y_prob).max() < 1e-6


@pytest.mark.parametrize("function", DISTANCES)
@pytest.mark.parametrize(
    ("shares", "y_prob", "message"),
    [
        ([[3, 1]], [[0.5, 0.5]], "Every row of `shares` must sum to 1.* counts"),
        ([[0.5, 0.5]], [[0.5, 0.25, 0.25]], "`shares` and `y_prob` must have the same shape"),
        ([[0.5, 0.5]], [[0.5, np.nan]], "`y_prob` must be finite"),
    ],
)
def test_bad_distributions_are_named(function, shares, y_prob, message):
    with pytest.raises(ValueError, match=message):
        function(shares, y_prob)


@pytest.mark.parametrize(
    "function", [vote_shares, disagreement, unbiased_disagreement, label_entropy]
)
@pytest.mark.parametrize(
    ("votes", "message"),
    [
        ([[0.5, 0.5]], "`votes` must be counts"),
        ([[1, -1]], "`votes` must be counts"),
        ([[1, 0], [0, 0]], "Every row of `votes` must hold a vote.* row 1"),
        ([1, 2], "`votes` must have 2 axes"),
    ],
)
def test_bad_votes_are_named(function, votes, message):
    with pytest.raises(ValueError, match=message):
        function(votes)
