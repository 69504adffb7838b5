"""Single labels against sure forecasts: cleanlab's confident joint, and what is left alone."""

import numpy as np
import pytest

from hetero_unc.audit.confident_conflicts import confident_conflicts


def forecasts(items=400, classes=4, sharpness=4.0):
    rng = np.random.default_rng(0)
    truth = rng.integers(classes, size=items)
    powers = np.exp(sharpness * np.eye(classes)[truth] + rng.normal(0, 1, (items, classes)))
    y_prob = powers / powers.sum(axis=1, keepdims=True)
    labels = np.where(rng.random(items) < 0.1, rng.integers(classes, size=items), truth)
    return labels, y_prob


def test_conflicts_are_those_off_the_diagonal_of_cleanlabs_confident_joint():
    count = pytest.importorskip("cleanlab.count")
    labels, y_prob = forecasts()
    _, theirs = count.compute_confident_joint(
        labels, y_prob, return_indices_of_off_diagonals=True, calibrate=False
    )
    # With mean confidences above a half only the most probable class can be a confident one.
    assert min(y_prob[labels == k, k].mean() for k in range(4)) > 0.5
    ours = confident_conflicts(np.eye(4, dtype=int)[labels], y_prob)
    np.testing.assert_array_equal(np.flatnonzero(ours), np.sort(theirs))
    assert 10 < ours.sum() < 60


def test_by_hand():
    y_prob = np.array([[0.9, 0.1], [0.7, 0.3], [0.8, 0.2], [0.75, 0.25], [0.3, 0.7]])
    votes = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]])
    # Items labelled 0 have .9 and .7 of it: .8 on average, which the third reaches.
    np.testing.assert_array_equal(confident_conflicts(votes, y_prob), [0, 0, 1, 0, 0])


def test_items_with_several_votes_and_classes_without_labels_are_left_alone():
    y_prob = np.array([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.0, 0.1, 0.9]])
    votes = np.array([[1, 0, 0], [0, 2, 0], [0, 1, 0]])
    assert not confident_conflicts(votes, y_prob).any()
