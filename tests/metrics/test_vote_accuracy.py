import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score

from hetero_unc.metrics import (
    annotator_agreement,
    balanced_accuracy,
    class_recall,
    strict_majority,
    vote_accuracy,
)


@pytest.fixture
def tied():
    """Few votes for few classes: many items have no single winner."""
    rng = np.random.default_rng(0)
    votes = rng.multinomial(4, [0.4, 0.3, 0.3], size=200)
    return votes, rng.dirichlet(np.ones(3), size=200)


def test_every_convention_by_a_loop(tied):
    first, fractional, any_maximum, strict = [], [], [], []
    for row, forecast in zip(*tied, strict=True):
        winners = [label for label in range(3) if row[label] == max(row)]
        predicted = int(np.argmax(forecast))
        first.append(predicted == winners[0])
        fractional.append((predicted in winners) / len(winners))
        any_maximum.append(predicted in winners)
        if max(row) > sum(row) / 2:
            strict.append(predicted == winners[0])
    result = vote_accuracy(*tied)
    np.testing.assert_allclose(result.first_maximum, np.mean(first))
    np.testing.assert_allclose(result.fractional, np.mean(fractional))
    np.testing.assert_allclose(result.any_maximum, np.mean(any_maximum))
    np.testing.assert_allclose(result.strict_majority, np.mean(strict))
    assert result.strict_majority_items == len(strict) == strict_majority(tied[0]).sum()


def test_first_maximum_is_scikit_learns_accuracy(tied):
    votes, y_prob = tied
    expected = accuracy_score(votes.argmax(axis=1), y_prob.argmax(axis=1))
    assert vote_accuracy(votes, y_prob).first_maximum == expected


def test_without_a_majority_its_accuracy_is_undefined():
    result = vote_accuracy([[1, 1]], [[0.9, 0.1]])
    assert np.isnan(result.strict_majority)
    assert result.strict_majority_items == 0


def test_annotator_agreement_by_a_loop_over_annotations(tied):
    earned = []
    for row in tied[0]:
        labels = np.repeat(np.arange(3), row)
        for index, label in enumerate(labels):
            others = np.bincount(np.delete(labels, index), minlength=3)
            winners = np.flatnonzero(others == others.max())
            earned.append((label in winners) / len(winners))
    np.testing.assert_allclose(annotator_agreement(tied[0]), np.mean(earned))
    with_single_votes = np.vstack([tied[0], [[1, 0, 0]] * 5])
    np.testing.assert_allclose(annotator_agreement(with_single_votes), np.mean(earned))


def test_nobody_agrees_with_nobody():
    with pytest.raises(ValueError, match="`votes` must have at least 1 item with 2 votes"):
        annotator_agreement([[1, 0]])


def test_recall_is_scikit_learns(predictions):
    y_true, y_prob = predictions()
    predicted = y_prob.argmax(axis=1)
    expected = recall_score(y_true, predicted, average=None)
    np.testing.assert_allclose(class_recall(y_true, y_prob), expected)
    np.testing.assert_allclose(
        balanced_accuracy(y_true, y_prob), balanced_accuracy_score(y_true, predicted)
    )


def test_a_class_without_items_has_no_recall_and_does_not_count():
    y_prob = [[0.1, 0.9, 0.0], [0.3, 0.7, 0.0], [0.8, 0.2, 0.0]]
    np.testing.assert_array_equal(class_recall([1, 0, 0], y_prob), [0.5, 1.0, np.nan])
    assert balanced_accuracy([1, 0, 0], y_prob) == 0.75


@pytest.mark.parametrize("function", [class_recall, balanced_accuracy])
def test_bad_labels_are_named(function):
    with pytest.raises(ValueError, match="`y_true` must lie in"):
        function([2], [[0.5, 0.5]])
