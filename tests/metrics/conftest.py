"""Predictions that every test of this room can judge."""

import hypothesis
import numpy as np
import pytest

# A machine that is busy with other work is no failure.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture
def predictions():
    """`predictions(seed, items, classes, tied)`: labels `(N,)`, probabilities `(N, C)`.

    Overconfident, so that no error is zero; in tenths if `tied`, so many are equal and on edges.
    """

    def make(seed=0, items=200, classes=4, tied=False):
        rng = np.random.default_rng(seed)
        truth = rng.dirichlet(np.ones(classes), size=items)
        y_true = np.array([rng.choice(classes, p=row) for row in truth])
        y_prob = truth**1.5
        y_prob /= y_prob.sum(axis=1, keepdims=True)
        if tied:
            y_prob = np.array([rng.multinomial(10, row) for row in y_prob]) / 10
        return y_true, y_prob

    return make
