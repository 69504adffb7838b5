import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from hetero_unc.metrics import error_detection_auroc, out_of_distribution_auroc

TIED = st.lists(st.integers(-3, 3), min_size=1, max_size=25)


@pytest.mark.parametrize("tied", [False, True])
def test_error_detection_agrees_with_scikit_learn(predictions, tied):
    y_true, y_prob = predictions(tied=tied)
    wrong = y_prob.argmax(axis=1) != y_true
    expected = roc_auc_score(wrong, 1 - y_prob.max(axis=1))
    np.testing.assert_allclose(error_detection_auroc(y_true, y_prob), expected)
    entropy = -np.sum(y_prob * np.log(np.maximum(y_prob, 1e-300)), axis=1)
    expected = roc_auc_score(wrong, entropy)
    np.testing.assert_allclose(error_detection_auroc(y_true, y_prob, entropy), expected)


@given(TIED, TIED)
def test_out_of_distribution_agrees_with_scipy_and_with_counting_pairs(inside, outside):
    value = out_of_distribution_auroc(inside, outside)
    pairs = [(out > own) + (out == own) / 2 for out in outside for own in inside]
    assert value == pytest.approx(np.mean(pairs))
    statistic = mannwhitneyu(outside, inside, method="asymptotic").statistic
    assert value == pytest.approx(statistic / (len(inside) * len(outside)))
    assert 0 <= value <= 1


@given(TIED, TIED)
def test_out_of_distribution_sees_only_the_order_of_the_values(inside, outside):
    value = out_of_distribution_auroc(inside, outside)
    assert out_of_distribution_auroc(np.exp(inside), np.exp(outside)) == value
    assert out_of_distribution_auroc(outside, inside) == pytest.approx(1 - value)


@given(st.integers(0, 2**32 - 1), st.integers(2, 30))
def test_error_detection_does_not_see_the_order_of_items(seed, items):
    rng = np.random.default_rng(seed)
    y_true, y_prob = rng.integers(2, size=items), np.tile([0.75, 0.25], (items, 1))
    assume(0 < y_true.sum() < items)
    uncertainty, order = rng.integers(4, size=items), rng.permutation(items)
    value = error_detection_auroc(y_true, y_prob, uncertainty)
    assert error_detection_auroc(y_true[order], y_prob[order], uncertainty[order]) == value


@pytest.mark.parametrize(("y_true", "errors"), [([0, 0, 0], 0), ([1, 1, 1], 3)])
def test_error_detection_without_errors_or_without_hits_is_undefined(y_true, errors):
    message = f"AUROC of errors is undefined: .* Received: {errors} errors among 3 items"
    with pytest.raises(ValueError, match=message):
        error_detection_auroc(y_true, [[0.9, 0.1]] * 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [1.0]), "`uncertainty_in` must not be empty"),
        (([1.0], []), "`uncertainty_out` must not be empty"),
        (([1.0, np.nan], [1.0]), "`uncertainty_in` must be finite. Received: 1 NaN"),
        (([1.0], [[1.0]]), r"`uncertainty_out` must have 1 axes. Received: shape=\(1, 1\)"),
    ],
)
def test_out_of_distribution_names_the_bad_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        out_of_distribution_auroc(*arguments)
