"""Does label noise move aleatoric doubt, and lack of data epistemic doubt, or each the other?

The split of doubt into parts leaks in every method published so far. This asks a model of the
user's own how much: it is trained again and again on data that was spoilt on purpose. NumPy only.
"""

import dataclasses

import numpy as np

from hetero_unc.checks import as_array, check_array, check_count, check_labels, check_votes
from hetero_unc.metrics.association import spearman
from hetero_unc.metrics.decomposition import entropy_decomposition
from hetero_unc.metrics.intervals import Interval, check_level
from hetero_unc.metrics.noisy_votes import add_label_noise

__all__ = ["LeakTest", "leak_test"]


@dataclasses.dataclass(frozen=True)
class LeakTest:
    """Mean doubt of the test items after each training: L noise rates, M sizes, S seeds; nats.

    Attributes
    ----------
    noise_rates : float array of shape (L,)
        Ascending; all with the largest size.
    sizes : int array of shape (M,)
        Training items, descending; all at the lowest noise rate.
    aleatoric_by_noise, epistemic_by_noise : float arrays of shape (L, S)
    aleatoric_by_size, epistemic_by_size : float arrays of shape (M, S)
    rank_correlation : float array of shape (S,)
        Spearman's of the two parts over the test items, with all data and least noise. Near 1 both
        order the items alike, and one of them is not needed for that.
    """

    noise_rates: np.ndarray
    sizes: np.ndarray
    aleatoric_by_noise: np.ndarray
    epistemic_by_noise: np.ndarray
    aleatoric_by_size: np.ndarray
    epistemic_by_size: np.ndarray
    rank_correlation: np.ndarray

    def change(self, part, cause, level=0.95):
        """How far a part moved from the first to the last level of a cause.

        Parameters
        ----------
        part : str
            `"aleatoric"` or `"epistemic"`.
        cause : str
            `"noise"` or `"size"`.
        level : float, default=0.95
            Of the interval: Student's, over seeds; NaN with one seed.

        Returns
        -------
        Interval
            Nats; positive where the part grew with the noise, or as data became less.

        Raises
        ------
        ValueError
            If an argument is none of these.
        """
        from scipy.stats import t  # not at the top: importing the room must stay quick

        name = f"{part}_by_{cause}"
        if part not in ("aleatoric", "epistemic") or cause not in ("noise", "size"):
            raise ValueError(
                "`part` must be 'aleatoric' or 'epistemic', and `cause` 'noise' or 'size'. "
                f"Received: part={part!r}, cause={cause!r}"
            )
        level = check_level(level)
        values = getattr(self, name)
        change = values[-1] - values[0]
        mean, half = float(change.mean()), float("nan")
        if len(change) > 1:
            half = t.ppf((1 + level) / 2, len(change) - 1) * change.std(ddof=1)
            half = float(half / np.sqrt(len(change)))
        return Interval(mean, mean - half, mean + half, level)

    def leak(self, cause):
        """Share of the movement under a cause that the wrong part made, in [0, 1].

        Noise should move aleatoric doubt alone, size epistemic doubt alone: 0. At 0.5 both parts
        move alike and the split says nothing of the cause; above, it says the wrong thing. From
        the means over seeds, each part's change without its sign; NaN where nothing moved.
        """
        moved = {
            part: abs(self.change(part, cause).estimate) for part in ("aleatoric", "epistemic")
        }
        wrong = moved["epistemic" if cause == "noise" else "aleatoric"]
        total = sum(moved.values())
        return wrong / total if total > 0 else float("nan")


def leak_test(
    fit,
    predict,
    inputs,
    labels,
    test_inputs,
    *,
    noise_rates=(0.0, 0.1, 0.2, 0.4),
    size_shares=(1.0, 0.5, 0.25, 0.125),
    seeds=(0, 1, 2),
):
    """Train on noisier labels, then on fewer items, and see which part of the doubt moves.

    (L + M - 1) S trainings: each noise rate on all items, each size at the lowest rate, per seed.

    Convention: parts as in `entropy_decomposition`, averaged over `test_inputs`, which are the same
    throughout. Within a seed the noisier labels keep every change of the less noisy ones, and the
    smaller sets lie in the larger ones, so that levels are compared and not draws.

    Parameters
    ----------
    fit : callable
        `fit(inputs, labels, seed)` returns a model, trained from the start. How long it trains on
        less data, as many steps or as many epochs, is its own affair, and matters: report it.
    predict : callable
        `predict(model, test_inputs)` returns probabilities (P, N, C) of P >= 2 passes, masks or
        members, the noise of the logits averaged out.
    inputs : array of shape (M, ...)
        Training inputs; indexed by rows, otherwise untouched.
    labels : array-like of int, shape (M,) or (M, C)
        Classes, of which C is the largest plus one, or counts of votes.
    test_inputs : array of shape (N, ...)
        Handed to `predict` as they are.
    noise_rates : sequence of float
        Ascending, in [0, 1): chance of each label (or vote) to become another class, each of the
        others as likely. At least two.
    size_shares : sequence of float
        Descending, in (0, 1], from 1: shares of the training items. At least two.
    seeds : sequence of int
        One training per level and seed; a seed draws noise and subset, and goes to `fit`.

    Returns
    -------
    LeakTest

    Raises
    ------
    ValueError
        If an argument breaks the rules above, or `predict` returns something else.

    References
    ----------
    .. [1] de Jong, Sburlea and Valdenegro-Toro (2024), How disentangled are your classification
       uncertainties?, https://arxiv.org/abs/2408.12175 (noise and size as the two causes)
    .. [2] Mucsányi, Kirchhof and Oh (2024), Benchmarking uncertainty disentanglement,
       https://arxiv.org/abs/2402.19460 (rank correlation of the parts)

    Examples
    --------
    A model that takes its own label shares for certain: nothing is epistemic, so nothing leaks.

    >>> def fit(inputs, labels, seed):
    ...     return np.bincount(labels, minlength=2) / len(labels)
    >>> def predict(model, test_inputs):
    ...     return np.broadcast_to(model, (2, len(test_inputs), 2))
    >>> result = leak_test(fit, predict, np.zeros(800), np.arange(800) % 8 // 7, np.zeros(3))
    >>> bool(result.change("aleatoric", "noise").low > 0), result.leak("noise")
    (True, 0.0)
    """
    votes, one_each = _check_labels(labels)
    if len(inputs) != len(votes):
        raise ValueError(
            "`inputs` and `labels` must have the same length. "
            f"Received: len(inputs)={len(inputs)}, len(labels)={len(votes)}"
        )
    rates = _check_levels(noise_rates, name="noise_rates", rule="ascend within [0, 1)")
    if (np.diff(rates) <= 0).any() or rates[0] < 0 or rates[-1] >= 1:
        raise ValueError(f"`noise_rates` must ascend within [0, 1). Received: {noise_rates!r}")
    shares = _check_levels(size_shares, name="size_shares", rule="descend from 1 within (0, 1]")
    sizes = np.round(shares * len(votes)).astype(int)
    if (np.diff(sizes) >= 0).any() or shares[0] != 1 or sizes[-1] < 1:
        raise ValueError(
            "`size_shares` must descend from 1 within (0, 1], each by an item or more. "
            f"Received: {size_shares!r} of {len(votes)} items"
        )
    seeds = [check_count(seed, name="seeds", minimum=0) for seed in seeds]
    if not seeds:
        raise ValueError("`seeds` must hold at least one seed. Received: none")

    def doubts(rows, rate, seed):
        noisy = add_label_noise(votes, rate, seed=seed)[rows]
        model = fit(inputs[rows], noisy.argmax(axis=1) if one_each else noisy, seed)
        return _parts(predict(model, test_inputs), len(test_inputs), votes.shape[1])

    by_noise, by_size, correlations = [], [], []
    for seed in seeds:
        order = np.random.default_rng([seed, 1]).permutation(len(votes))
        # Rows ascend, so that a fit that does not shuffle sees no other order than the user's.
        subsets = [np.sort(order[:size]) for size in sizes]
        first = doubts(subsets[0], rates[0], seed)
        correlations.append(spearman(*first))
        noise = [first, *(doubts(subsets[0], rate, seed) for rate in rates[1:])]
        size = [first, *(doubts(rows, rates[0], seed) for rows in subsets[1:])]
        by_noise.append([[part.mean() for part in parts] for parts in noise])
        by_size.append([[part.mean() for part in parts] for parts in size])
    # From (S, levels, parts) to parts of (levels, S).
    aleatoric_by_noise, epistemic_by_noise = np.array(by_noise).T
    aleatoric_by_size, epistemic_by_size = np.array(by_size).T
    return LeakTest(
        noise_rates=rates,
        sizes=sizes,
        aleatoric_by_noise=aleatoric_by_noise,
        epistemic_by_noise=epistemic_by_noise,
        aleatoric_by_size=aleatoric_by_size,
        epistemic_by_size=epistemic_by_size,
        rank_correlation=np.array(correlations),
    )


def _check_labels(labels):
    """Votes (M, C), and whether `labels` were classes, one an item."""
    array = as_array(labels, name="labels")
    if array.ndim != 1:
        return check_votes(array, name="labels"), False
    classes = int(array.max()) + 1 if array.size and array.dtype.kind in "iu" else 2
    array = check_labels(array, max(classes, 2), name="labels")
    return np.eye(max(classes, 2), dtype=np.int64)[array], True


def _check_levels(levels, *, name, rule):
    levels = check_array(levels, name=name, ndim=1).astype(np.float64)
    if len(levels) < 2:
        raise ValueError(f"`{name}` must {rule}, two or more. Received: {levels.tolist()}")
    return levels


def _parts(probabilities, items, classes):
    """Aleatoric and epistemic doubt of each test item, each of shape (N,)."""
    probabilities = as_array(probabilities, name="what `predict` returns")
    if probabilities.ndim != 3 or probabilities.shape[1:] != (items, classes):
        raise ValueError(
            f"`predict` must return probabilities of shape (P, {items}, {classes}). "
            f"Received: shape={probabilities.shape}"
        )
    if len(probabilities) < 2:
        raise ValueError(
            "`predict` must return at least 2 passes, or no doubt is epistemic. Received: 1"
        )
    parts = entropy_decomposition(probabilities)
    return parts.aleatoric, parts.epistemic
