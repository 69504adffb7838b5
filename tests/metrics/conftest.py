"""Predictions that every test of this room can judge."""

import os
from pathlib import Path

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


@pytest.fixture
def voted():
    """`voted(seed, items, classes, most, sharpness)`: votes, forecast and truth, each `(N, C)`.

    Each item has 4 to `most` votes, drawn from its own truth; the forecast is the truth to the
    power `sharpness`, so that 1 is a calibrated one.
    """

    def make(seed=0, items=60, classes=4, most=12, sharpness=1.5):
        rng = np.random.default_rng(seed)
        truth = rng.dirichlet(np.ones(classes), size=items)
        votes = rng.multinomial(rng.integers(4, most + 1, size=items), truth)
        y_prob = truth**sharpness
        return votes, y_prob / y_prob.sum(axis=1, keepdims=True), truth

    return make


@pytest.fixture(scope="session")
def recovered():
    """The authors' own outputs on FER+ beside the votes: a dict of arrays; skipped without them.

    Rows are those that the paper keeps: with an image name and a vote for one of nine classes.
    """
    folder = Path(os.environ.get("HETERO_UNC_DATA") or "no data")
    outputs, ferplus = folder / "uncnet" / "recovered.npz", folder / "ferplus" / "ferplus.npz"
    for path in (outputs, ferplus):
        if not path.is_file():
            pytest.skip(f"{path} is not there: no real data")
    with np.load(ferplus) as arrays:
        votes, usage = arrays["votes"][:, :9].astype(np.int64), arrays["usage"]
        kept = (arrays["image_name"] != "") & (votes.sum(axis=1) > 0)
    with np.load(outputs) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    found["votes_test"], found["votes_valid"] = (
        votes[kept & (usage == 1)],
        votes[kept & (usage == 2)],
    )
    return found
