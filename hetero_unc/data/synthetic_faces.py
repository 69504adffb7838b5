"""Drawn faces with simulated annotators: what a vote set looks like when the truth is known.

Each face is a mixture of two expressions, the annotators' shares follow from it, and a rare group
is drawn as no other: true ambiguity and true novelty of every image are known. NumPy only.
"""

from dataclasses import dataclass, field

import numpy as np

from hetero_unc.checks import check_count
from hetero_unc.data.face_drawing import draw_faces
from hetero_unc.data.ferplus import CLASSES_8, FerPlus, fer_label_to_ferplus

__all__ = ["CONFUSION", "SyntheticFaces", "load_synthetic_faces"]

# About as often as FER+'s Training images have them.
FREQUENCY = np.array([0.34, 0.25, 0.12, 0.12, 0.09, 0.03, 0.03, 0.02])

# Rows: the expressions, as in `CLASSES_8`; columns: mouth curve, opening, width and skew, brow
# height and slope, eye opening, wrinkles beside the nose. 0 is a face at rest; mixtures of
# expressions mix these.
GEOMETRY = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [1.2, 0.3, 0.4, 0.0, 0.2, 0.0, -0.5, 0.0],
        [0.0, 1.4, -0.5, 0.0, 1.2, 0.0, 1.2, 0.0],
        [-1.1, 0.0, -0.1, 0.0, 0.1, 1.0, -0.4, 0.0],
        [-0.5, 0.2, 0.1, 0.0, -0.7, -1.2, 0.2, 0.0],
        [-0.6, 0.3, -0.2, 0.0, -0.6, 0.0, -0.7, 1.0],
        [-0.4, 0.8, 0.4, 0.0, 0.9, 1.0, 0.9, 0.0],
        [0.2, 0.0, 0.0, 1.2, 0.2, -0.2, -0.3, 0.0],
    ]
)

# With which other expression each is mixed, and how often.
PARTNERS = np.array(
    [
        [0.00, 0.25, 0.08, 0.35, 0.17, 0.02, 0.03, 0.10],
        [0.70, 0.00, 0.15, 0.02, 0.02, 0.01, 0.02, 0.08],
        [0.25, 0.20, 0.00, 0.03, 0.05, 0.02, 0.45, 0.00],
        [0.60, 0.02, 0.03, 0.00, 0.15, 0.08, 0.12, 0.00],
        [0.40, 0.02, 0.05, 0.18, 0.00, 0.30, 0.05, 0.00],
        [0.15, 0.02, 0.03, 0.20, 0.50, 0.00, 0.05, 0.05],
        [0.10, 0.02, 0.60, 0.20, 0.05, 0.03, 0.00, 0.00],
        [0.65, 0.20, 0.00, 0.05, 0.05, 0.05, 0.00, 0.00],
    ]
)

# What an annotator says (columns: `CLASSES_9`) on seeing the pure expression.
CONFUSION = np.array(
    [
        [0.930, 0.010, 0.005, 0.030, 0.010, 0.000, 0.000, 0.005, 0.010],
        [0.020, 0.965, 0.010, 0.000, 0.000, 0.000, 0.000, 0.000, 0.005],
        [0.010, 0.010, 0.930, 0.000, 0.000, 0.000, 0.045, 0.000, 0.005],
        [0.050, 0.000, 0.000, 0.910, 0.010, 0.005, 0.015, 0.000, 0.010],
        [0.020, 0.000, 0.005, 0.010, 0.935, 0.020, 0.005, 0.000, 0.005],
        [0.010, 0.000, 0.000, 0.020, 0.090, 0.860, 0.005, 0.005, 0.010],
        [0.005, 0.000, 0.100, 0.025, 0.005, 0.005, 0.850, 0.000, 0.010],
        [0.090, 0.025, 0.000, 0.005, 0.010, 0.005, 0.000, 0.850, 0.015],
    ]
)

PURE_SHARE = 0.3
SPLITS = {"Training": 0.8, "PublicTest": 0.1, "PrivateTest": 0.1}
RARE_SHARE = {"Training": 0.01, "PublicTest": 0.2, "PrivateTest": 0.2}


@dataclass(frozen=True, eq=False)
class SyntheticFaces(FerPlus):
    """What FER+ holds of each image, and two things that only a simulation can know.

    Of the ten columns of `votes` the last, "not a face", is 0. `emotion` is the answer of one more
    annotator, who knows neither contempt nor unknown.

    Parameters
    ----------
    true_shares : ndarray of float64, shape (N, 9)
        Chance of a vote for each of `CLASSES_9`; rows sum to 1. `votes` are drawn from it, so its
        entropy is the true aleatoric uncertainty of the item, in nats.
    rare : ndarray of bool, shape (N,)
        Lies on its side: 1 % of Training, 20 % of the two scored parts. Expressions and votes are
        those of the other faces, so the group is novel and no more ambiguous.
    """

    true_shares: np.ndarray = field(repr=False)
    rare: np.ndarray = field(repr=False)


def load_synthetic_faces(items=6000, seed=0):
    """Draw faces, and let ten annotators vote on each.

    Three in ten faces show one expression; the others mix it with a second one, by up to one half,
    in all that is drawn: a face between two expressions looks like it. An annotator takes the one
    or the other expression for shown, with the weights of the mixture, and then answers by its row
    of `CONFUSION`: `true_shares = mixture @ CONFUSION`. Size, place, line, light, grain and a
    tilt of a few degrees differ from face to face and mean nothing.

    Parameters
    ----------
    items : int, default=6000
        At least 100.
    seed : int, default=0
        At least 0; decides everything. With one seed and one NumPy, the same faces.

    Returns
    -------
    SyntheticFaces

    Raises
    ------
    ValueError
        Where an argument breaks its rule.
    """
    items = check_count(items, name="items", minimum=100)
    rng = np.random.default_rng(check_count(seed, name="seed", minimum=0))
    ends = np.round(np.cumsum(list(SPLITS.values())) * items).astype(int)
    usage = np.repeat(list(SPLITS), np.diff(ends, prepend=0))
    rare = np.zeros(items, bool)
    for split, share in RARE_SHARE.items():
        rows = np.flatnonzero(usage == split)
        rare[rng.choice(rows, size=round(share * len(rows)), replace=False)] = True

    mixture = _mixtures(items, rng)
    true_shares = mixture @ CONFUSION
    votes = np.zeros((items, true_shares.shape[1] + 1), np.int64)
    votes[:, :-1] = rng.multinomial(10, true_shares)
    of_fer = true_shares[:, fer_label_to_ferplus(np.arange(7))]
    emotion = rng.multinomial(1, of_fer / of_fer.sum(axis=1, keepdims=True)).argmax(axis=1)
    return SyntheticFaces(
        images=draw_faces(mixture @ GEOMETRY, lying=rare, rng=rng),
        votes=votes,
        emotion=emotion,
        usage=usage,
        names=np.array([f"synthetic{row:07d}.png" for row in range(items)]),
        true_shares=true_shares,
        rare=rare,
        source=f"{items} drawn faces with ten simulated annotators, seed {seed}",
    )


def _mixtures(items, rng):
    """Weights of the eight expressions, float64 `(items, 8)`: one or two are above zero."""
    first = rng.choice(len(CLASSES_8), size=items, p=FREQUENCY)
    second = (rng.random(items)[:, None] > PARTNERS.cumsum(axis=1)[first]).sum(axis=1)
    weight = np.where(rng.random(items) < PURE_SHARE, 0.0, rng.uniform(0.0, 0.5, size=items))
    rows = np.arange(items)
    mixture = np.zeros((items, len(CLASSES_8)))
    mixture[rows, first] = 1 - weight
    mixture[rows, second] = weight
    return mixture
