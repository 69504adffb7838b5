import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from hetero_unc.metrics import accuracy, brier_score, log_loss


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_scores_agree_with_scikit_learn(predictions, classes):
    y_true, y_prob = predictions(classes=classes)
    labels = list(range(classes))
    one_hot = np.eye(classes)[y_true]
    assert accuracy(y_true, y_prob) == sklearn_metrics.accuracy_score(y_true, y_prob.argmax(1))
    np.testing.assert_allclose(
        log_loss(y_true, y_prob), sklearn_metrics.log_loss(y_true, y_prob, labels=labels)
    )
    # The mean over classes of a squared error, so C times it is the sum.
    np.testing.assert_allclose(
        brier_score(y_true, y_prob), classes * sklearn_metrics.mean_squared_error(one_hot, y_prob)
    )


def test_brier_score_of_two_classes_is_twice_the_one_column_score(predictions):
    y_true, y_prob = predictions(classes=2)
    one_column = sklearn_metrics.brier_score_loss(y_true, y_prob[:, 1])
    np.testing.assert_allclose(brier_score(y_true, y_prob), 2 * one_column)


def test_scores_of_one_hot_rows_are_those_of_classes(predictions):
    y_true, y_prob = predictions()
    one_hot = np.eye(y_prob.shape[1], dtype=int)[y_true]
    np.testing.assert_allclose(log_loss(one_hot, y_prob), log_loss(y_true, y_prob))
    np.testing.assert_allclose(brier_score(one_hot, y_prob), brier_score(y_true, y_prob))


def test_scores_of_vote_shares_follow_from_the_scores_of_the_votes(predictions):
    _, y_prob = predictions(items=20, classes=3)
    votes = np.random.default_rng(1).multinomial(7, [0.5, 0.3, 0.2], size=20)
    shares = votes / 7
    single_votes = np.concatenate([np.repeat(np.arange(3), row) for row in votes])
    rows = np.repeat(y_prob, 7, axis=0)
    np.testing.assert_allclose(log_loss(shares, y_prob), log_loss(single_votes, rows))
    own_spread = np.mean(1 - np.square(shares).sum(axis=1))
    np.testing.assert_allclose(
        brier_score(shares, y_prob) + own_spread, brier_score(single_votes, rows)
    )


def test_log_loss_of_an_impossible_event_is_finite_and_of_a_certain_one_zero():
    assert log_loss([1], [[1.0, 0.0]]) == pytest.approx(-np.log(np.finfo(np.float32).tiny))
    certain = log_loss([0], [[1.0, 0.0]])
    assert certain == 0
    assert not np.signbit(certain)


def test_log_loss_keeps_probabilities_that_scikit_learn_would_clip():
    assert log_loss([1], [[1.0, 1e-30]]) == pytest.approx(30 * np.log(10))


def test_accuracy_predicts_the_first_of_tied_classes():
    assert accuracy([0, 1], [[0.5, 0.5], [0.5, 0.5]]) == 0.5


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(2, 6))
def test_scores_stay_in_range_and_do_not_see_the_order(seed, items, classes):
    rng = np.random.default_rng(seed)
    y_prob = rng.dirichlet(np.full(classes, 0.3), size=items)
    y_true = rng.integers(classes, size=items)
    order = rng.permutation(items)
    for score, largest in ((accuracy, 1), (brier_score, 2), (log_loss, 88)):
        value = score(y_true, y_prob)
        assert 0 <= value <= largest
        assert score(y_true[order], y_prob[order]) == pytest.approx(value)


@given(st.integers(0, 2**32 - 1))
def test_the_true_distribution_has_the_best_expected_score(seed):
    truth, other = np.random.default_rng(seed).dirichlet(np.ones(3), size=2)
    for score in (brier_score, log_loss):
        assert score([truth], [truth]) <= score([truth], [other]) + 1e-12
