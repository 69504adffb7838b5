import numpy as np
import pytest
from scipy.stats import spearmanr

from hetero_unc.data.face_drawing import draw_faces
from hetero_unc.data.ferplus import CLASSES_9
from hetero_unc.data.synthetic_faces import (
    CONFUSION,
    FREQUENCY,
    GEOMETRY,
    PARTNERS,
    load_synthetic_faces,
)

HAPPINESS = 1


@pytest.fixture(scope="module")
def faces():
    return load_synthetic_faces(2000, seed=3)


def entropy(shares):
    return -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=1)


def test_one_seed_gives_the_same_faces_and_another_gives_others(faces):
    assert load_synthetic_faces(2000, seed=3).digest == faces.digest
    assert load_synthetic_faces(2000, seed=4).digest != faces.digest


def test_arrays_are_those_of_ferplus(faces):
    assert faces.images.shape == (2000, 48, 48, 1)
    assert faces.images.dtype == np.uint8
    assert faces.votes.shape == (2000, 10)
    assert (faces.votes.sum(axis=1) == 10).all()
    assert not faces.votes[:, 9].any(), "every drawing is a face"
    parts = [len(faces.rows_of(part)) for part in ("Training", "PublicTest", "PrivateTest")]
    assert parts == [1600, 200, 200]


def test_tables_of_chances_are_chances():
    assert FREQUENCY.sum() == pytest.approx(1)
    np.testing.assert_allclose(PARTNERS.sum(axis=1), 1)
    assert not np.diagonal(PARTNERS).any(), "a mixture is of two different expressions"
    np.testing.assert_allclose(CONFUSION.sum(axis=1), 1)
    assert CONFUSION.shape == (8, len(CLASSES_9))
    assert (CONFUSION.argmax(axis=1) == np.arange(8)).all(), "annotators are mostly right"


def test_true_shares_are_a_mixture_of_two_rows_of_the_confusion(faces):
    np.testing.assert_allclose(faces.true_shares.sum(axis=1), 1)
    weights = faces.true_shares @ np.linalg.pinv(CONFUSION)
    assert ((weights > 1e-9).sum(axis=1) <= 2).all()
    assert np.abs(weights @ CONFUSION - faces.true_shares).max() < 1e-12
    assert weights.max(axis=1).min() >= 0.5
    # Three in ten are pure: 600 of 2,000, give or take four standard errors of a binomial count.
    assert abs((weights.max(axis=1) > 1 - 1e-9).sum() - 600) < 4 * np.sqrt(2000 * 0.3 * 0.7)


def test_votes_are_drawn_from_the_true_shares(faces):
    """Pearson's statistic, summed over items: its mean and variance are known for a multinomial."""
    expected = 10 * faces.true_shares
    seen = expected > 0
    distance = np.where(seen, (faces.votes[:, :9] - expected) ** 2, 0) / np.where(seen, expected, 1)
    assert not faces.votes[:, :9][~seen].any()
    cells = seen.sum(axis=1)
    mean = (cells - 1).sum()
    inverse = np.where(seen, 1 / np.where(seen, faces.true_shares, 1), 0).sum(axis=1)
    variance = (2 * (cells - 1) + (inverse - cells**2 - 2 * cells + 2) / 10).sum()
    assert abs(distance.sum() - mean) < 4 * np.sqrt(variance)


def test_hard_labels_know_neither_contempt_nor_unknown(faces):
    assert set(np.unique(faces.emotion)) == set(range(7))
    happy = faces.true_shares[:, HAPPINESS] > 0.9
    assert (faces.emotion[happy] == 3).mean() > 0.9, "3 is FER2013's number of happiness"


def test_rare_faces_are_rare_in_training_and_no_more_ambiguous(faces):
    for part, share in {"Training": 0.01, "PublicTest": 0.2, "PrivateTest": 0.2}.items():
        rows = faces.rows_of(part)
        assert faces.rare[rows].sum() == round(share * len(rows))
    ambiguity = entropy(faces.true_shares)
    rare, common = ambiguity[faces.rare], ambiguity[~faces.rare]
    error = np.hypot(rare.std() / np.sqrt(len(rare)), common.std() / np.sqrt(len(common)))
    assert abs(rare.mean() - common.mean()) < 4 * error


def test_lying_faces_reach_the_sides_and_upright_ones_top_and_bottom():
    lying = np.arange(400) % 2 == 1
    images = draw_faces(np.zeros((400, 8)), lying=lying, rng=np.random.default_rng(0))[..., 0]
    ground = images[:, :2, :2].mean(axis=(1, 2))[:, None, None]
    is_head = np.abs(images - ground) > 40
    ends = is_head[:, [2, 3, 4, -5, -4, -3], 22:26].mean(axis=(1, 2))
    sides = is_head[:, 22:26, [2, 3, 4, -5, -4, -3]].mean(axis=(1, 2))
    assert ends[~lying].mean() > 2 * sides[~lying].mean()
    assert sides[lying].mean() > 2 * ends[lying].mean()


def test_corners_of_the_mouth_rise_with_the_weight_of_happiness():
    weights = np.linspace(0, 1, 21)
    geometry = np.repeat(weights, 30)[:, None] * GEOMETRY[HAPPINESS]
    rng = np.random.default_rng(1)
    images = draw_faces(geometry, lying=np.zeros(len(geometry), bool), rng=rng)[..., 0]
    mouth = 255.0 - images[:, 30:42, 14:34]
    ink = np.maximum(mouth - np.median(mouth, axis=(1, 2), keepdims=True) - 20, 0)
    ink = ink.reshape(len(weights), 30, 12, 20).mean(axis=1)
    down, right = np.mgrid[30:42, 14:34]
    outer = np.abs(right - 23.5) > 4
    height_outer, height_inner = (
        (ink * down * part).sum((1, 2)) / (ink * part).sum((1, 2)) for part in (outer, ~outer)
    )
    assert spearmanr(height_inner - height_outer, weights).statistic > 0.95


@pytest.mark.parametrize("arguments", [{"items": 99}, {"items": 1e4}, {"seed": -1}, {"seed": 0.5}])
def test_arguments_are_checked(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"`{name}` must be an integer"):
        load_synthetic_faces(**arguments)
