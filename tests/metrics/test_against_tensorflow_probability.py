"""The scores that TensorFlow Probability has too. Its bins are closed on the left, ours on the
right: on random numbers, none of which is an edge, that is one and the same."""

import numpy as np
import pytest

from hetero_unc.metrics import brier_score, expected_calibration_error


@pytest.mark.slow
def test_scores_agree_with_tensorflow_probability(predictions):
    import tensorflow_probability as tfp

    y_true, y_prob = predictions(classes=3)
    y_prob = 0.9 * y_prob + 0.1 / 3
    logits = np.log(y_prob).astype(np.float32)
    # It leaves out the constant 1 of the true class.
    theirs = 1 + np.mean(tfp.stats.brier_score(labels=y_true, logits=logits))
    np.testing.assert_allclose(brier_score(y_true, y_prob), theirs, rtol=1e-5)
    for n_bins in (10, 15):
        theirs = tfp.stats.expected_calibration_error(n_bins, logits=logits, labels_true=y_true)
        ours = expected_calibration_error(y_true, y_prob, n_bins=n_bins)
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)
