"""Predictions and votes whose truth is known, small enough for every test of the room."""

import numpy as np
import pytest

from hetero_unc.data import Predictions, VoteTable

ITEMS, CLASSES, PASSES, VOTES = 900, 4, 6, 7


@pytest.fixture(scope="session")
def crowd():
    """Predictions, votes drawn from nearly the same shares, and a split in three."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (ITEMS, CLASSES)) + rng.normal(0, 0.4, (PASSES, ITEMS, CLASSES))
    powers = np.exp(logits)
    probabilities = powers / powers.sum(axis=2, keepdims=True)
    shares = rng.standard_gamma(10 * probabilities.mean(axis=0) + 1e-3)
    votes = rng.multinomial(VOTES, shares / shares.sum(axis=1, keepdims=True))
    ids = np.array([f"item {index}" for index in range(ITEMS)])
    names = ("ant", "bee", "cat", "dog")
    split = np.array(["train", "validation", "test"])[np.arange(ITEMS) % 3]
    groups = {"camera": np.array(["left", "right"])[np.arange(ITEMS) % 2]}
    predictions = Predictions(probabilities, ids, classes=names)
    return predictions, VoteTable(ids, names, votes, split=split, groups=groups)
