import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import entropy as shannon
from scipy.stats import spearmanr, ttest_1samp

from hetero_unc.metrics import LeakTest, add_label_noise, entropy, leak_test, noisy_shares

CELLS, CLASSES = 6, 3
SHARES = np.array([[0.98, 0.01, 0.01], [0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
SHARES = np.concatenate([SHARES, [[0.5, 0.4, 0.1], [0.34, 0.33, 0.33]]])


@pytest.fixture(scope="module")
def crowd():
    """Items that each lie in one of six cells, and five votes each by the shares of the cell."""
    rng = np.random.default_rng(0)
    cells = rng.integers(0, CELLS, 600)
    return cells, rng.multinomial(5, SHARES[cells])


def fit_dirichlet(cells, votes, seed):
    """The Bayesian answer for cells: a Dirichlet each, from a flat prior."""
    counts = np.ones((CELLS, CLASSES))
    np.add.at(counts, cells, votes)
    return counts, seed


def predict_dirichlet(model, cells, passes=4000):
    counts, seed = model
    rng = np.random.default_rng(seed)
    draws = np.stack([rng.dirichlet(row, size=passes) for row in counts], axis=1)
    return draws[:, cells]


def parts_of_dirichlet(counts):
    """Total, aleatoric and epistemic in closed form: the mean entropy of a Dirichlet's draws."""
    total = counts.sum(axis=1, keepdims=True)
    shares = counts / total
    aleatoric = (shares * (digamma(total + 1) - digamma(counts + 1))).sum(axis=1)
    return aleatoric, entropy(shares) - aleatoric


def test_parts_of_a_bayesian_model_are_those_in_closed_form(crowd):
    cells, votes = crowd
    trained = []

    def fit(cells, votes, seed):
        trained.append(fit_dirichlet(cells, votes, seed))
        return trained[-1]

    everyone = np.arange(CELLS)
    result = leak_test(fit, predict_dirichlet, cells, votes, everyone, seeds=(3,))
    # In the order of training: the noise rates on all items, then the smaller sets.
    aleatoric, epistemic = np.mean([parts_of_dirichlet(counts) for counts, _ in trained], axis=2).T
    np.testing.assert_allclose(result.aleatoric_by_noise[:, 0], aleatoric[:4], atol=2e-3)
    np.testing.assert_allclose(result.epistemic_by_noise[:, 0], epistemic[:4], atol=2e-3)
    order = [0, 4, 5, 6]
    np.testing.assert_allclose(result.aleatoric_by_size[:, 0], aleatoric[order], atol=2e-3)
    np.testing.assert_allclose(result.epistemic_by_size[:, 0], epistemic[order], atol=2e-3)
    draws = predict_dirichlet(trained[0], everyone)
    aleatoric = shannon(draws, axis=2).mean(axis=0)
    epistemic = shannon(draws.mean(axis=0), axis=1) - aleatoric
    expected = spearmanr(aleatoric, epistemic).statistic
    assert result.rank_correlation[0] == pytest.approx(expected)


def test_a_bayesian_model_leaks_little_and_its_mirror_image_almost_only(crowd):
    cells, votes = crowd
    everyone = np.arange(CELLS)
    result = leak_test(fit_dirichlet, predict_dirichlet, cells, votes, everyone)
    assert result.leak("noise") < 0.05
    assert result.change("aleatoric", "noise").low > 0.2
    # What is left of a size in the aleatoric part is the finite sample's own.
    assert result.change("epistemic", "size").low > 0
    swapped = LeakTest(
        **{
            **vars(result),
            "aleatoric_by_noise": result.epistemic_by_noise,
            "epistemic_by_noise": result.aleatoric_by_noise,
        }
    )
    assert swapped.leak("noise") == pytest.approx(1 - result.leak("noise"))


def test_aleatoric_doubt_follows_the_noise_that_was_added(crowd):
    cells, votes = crowd
    rates = (0.0, 0.2, 0.5)
    result = leak_test(
        fit_dirichlet, predict_dirichlet, cells, votes, np.arange(CELLS), noise_rates=rates
    )
    true = [entropy(noisy_shares(SHARES, rate)).mean() for rate in rates]
    np.testing.assert_allclose(result.aleatoric_by_noise.mean(axis=1), true, atol=0.02)


def test_each_level_is_trained_once_a_seed_on_nested_data():
    seen = []

    def fit(inputs, labels, seed):
        seen.append((inputs[:, 0].astype(int), labels, seed))

    def predict(model, test_inputs):
        return np.full((2, len(test_inputs), 4), 0.25)

    labels = np.arange(400) % 4
    leak_test(
        fit,
        predict,
        np.arange(400.0)[:, None],
        labels,
        np.zeros((3, 1)),
        noise_rates=(0.1, 0.3, 0.6),
        size_shares=(1, 0.5, 0.1),
        seeds=(5, 6),
    )
    assert [seed for *_, seed in seen] == [5] * 5 + [6] * 5
    assert [len(rows) for rows, *_ in seen] == [400, 400, 400, 200, 40] * 2
    (rows, least, _), (_, more, _), (_, most, _), (half, halved, _), (tenth, *_) = seen[:5]
    np.testing.assert_array_equal(rows, np.arange(400))
    assert set(tenth) < set(half)
    np.testing.assert_array_equal(halved, least[half])
    for fewer, further, rate in ((labels, least, 0.1), (least, more, 0.3), (more, most, 0.6)):
        changed = fewer != labels
        np.testing.assert_array_equal(further[changed], fewer[changed])
        share = (further != labels).mean()
        assert abs(share - rate) < 4 * np.sqrt(rate * (1 - rate) / 400)
    assert (seen[5][1] != least).any(), "another seed, other noise"


def test_changes_come_with_the_interval_of_the_t_test():
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(3, 5)) for name in ("aleatoric_by_size", "epistemic_by_size")}
    result = LeakTest(None, None, None, None, **arrays, rank_correlation=None)
    change = arrays["epistemic_by_size"][2] - arrays["epistemic_by_size"][0]
    expected = ttest_1samp(change, 0).confidence_interval(0.9)
    found = result.change("epistemic", "size", level=0.9)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert found.estimate == pytest.approx(change.mean())
    moved = np.abs(
        [(values[2] - values[0]).mean() for values in arrays.values()]
    )  # aleatoric, epistemic
    assert result.leak("size") == pytest.approx(moved[0] / moved.sum())


def test_one_seed_has_no_interval_and_no_movement_no_share():
    still = np.zeros((2, 1))
    result = LeakTest(None, None, still, still, still, still, None)
    found = result.change("aleatoric", "noise")
    assert found.estimate == 0
    assert np.isnan([found.low, found.high]).all()
    assert np.isnan(result.leak("noise"))


def test_noise_goes_to_every_other_class_alike():
    votes = np.tile([4000, 0, 0, 1000], (2, 1))
    noisy = add_label_noise(votes, 0.3, seed=1)
    np.testing.assert_array_equal(noisy.sum(axis=1), [5000, 5000])
    expected = 5000 * noisy_shares(votes / 5000, 0.3)
    assert (np.abs(noisy - expected) < 4 * np.sqrt(expected)).all()
    np.testing.assert_array_equal(add_label_noise(votes, 0.0, seed=1), votes)


def test_noisy_shares_are_a_mixture_over_what_each_vote_became():
    shares = np.array([[0.5, 0.3, 0.2]])
    flipped = (np.ones((3, 3)) - np.eye(3)) / 2
    expected = shares @ (0.6 * np.eye(3) + 0.4 * flipped)
    np.testing.assert_allclose(noisy_shares(shares, 0.4), expected)


def run(**changes):
    arguments = {
        "fit": lambda inputs, labels, seed: None,
        "predict": lambda model, inputs: np.full((2, len(inputs), 2), 0.5),
        "inputs": np.zeros(8),
        "labels": np.arange(8) % 2,
        "test_inputs": np.zeros(3),
    }
    return leak_test(**{**arguments, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": np.zeros(7)}, "`inputs` and `labels` must have the same length"),
        ({"labels": np.full(8, -1)}, "`labels` must lie in"),
        ({"labels": np.zeros(8)}, "`labels` must be integers"),
        ({"labels": np.zeros((8, 2), int)}, "Every row of `labels` must hold a vote"),
        ({"noise_rates": (0.0,)}, "`noise_rates` must ascend"),
        ({"noise_rates": (0.2, 0.1)}, "`noise_rates` must ascend"),
        ({"noise_rates": (0.0, 1.0)}, "`noise_rates` must ascend"),
        ({"size_shares": (0.5, 0.25)}, "`size_shares` must descend from 1"),
        ({"size_shares": (1.0, 0.99)}, "`size_shares` must descend from 1"),
        ({"size_shares": (1.0, 0.01)}, "`size_shares` must descend from 1"),
        ({"seeds": ()}, "`seeds` must hold at least one"),
        ({"seeds": (-1,)}, "`seeds` must be an integer >= 0"),
        ({"predict": lambda model, inputs: np.full((2, 3), 0.5)}, r"shape \(P, 3, 2\)"),
        ({"predict": lambda model, inputs: np.full((1, 3, 2), 0.5)}, "at least 2 passes"),
    ],
)
def test_arguments_are_checked(changes, message):
    with pytest.raises(ValueError, match=message):
        run(**changes)


def test_an_unknown_part_or_cause_is_refused():
    with pytest.raises(ValueError, match="`part` must be 'aleatoric' or 'epistemic'"):
        run().change("total", "noise")
    with pytest.raises(ValueError, match="`rate` must lie in"):
        add_label_noise([[1, 0]], 1.5, seed=0)
    with pytest.raises(ValueError, match="`rate` must lie in"):
        noisy_shares([[0.5, 0.5]], -0.1)
