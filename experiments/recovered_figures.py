"""Figures that the authors printed about their Baseline, and the same by our metrics."""

import dataclasses

import numpy as np

from hetero_unc import metrics
from hetero_unc.data import identical_groups

__all__ = ["Figure", "kept_rows", "of_all_rows", "of_correlations", "of_kept_rows", "of_other_ways"]

NOTEBOOK = "the authors' notebook"
PAPER = "section 4.4 of the paper"
EARLIER = "earlier, from these arrays by other code"
# Of the four rows on which Baseline says the same, only leaving out this one gives the accuracy and
# the cross-entropy that the notebook printed for epistemic uncertainty.
LEFT_OUT_BY_EPISTEMIC = 2790


@dataclasses.dataclass(frozen=True)
class Figure:
    """A number as it was printed, and as it comes out here.

    `printed` is None for what nobody has printed; `exact` is whether it must agree in every digit,
    as it must unless the authors computed it from other dropout passes than they printed.
    """

    words: str
    source: str | None
    printed: str | None
    value: float
    exact: bool = True

    @property
    def recomputed(self):
        """The value, with as many decimals as were printed."""
        if self.printed is None:
            return f"{self.value:d}" if isinstance(self.value, int) else f"{self.value:.4f}"
        return f"{self.value:.{len(self.printed.partition('.')[2])}f}"

    @property
    def agrees(self):
        """Whether every printed digit is the same; None where nothing was printed."""
        return None if self.printed is None else self.recomputed == self.printed

    def as_json(self):
        return {
            "words": self.words,
            "source": self.source,
            "printed": self.printed,
            "recomputed": self.recomputed,
            "value": float(self.value),
            "exact": self.exact,
            "agrees": self.agrees,
        }


def kept_rows(listed, forecasts, order):
    """The rows that a list of kept rows means, ascending.

    The lists were printed as forecasts and matched to rows by them, so all rows of one and the same
    forecast are listed under the number of the first. Of each such group as many are kept as were
    listed, those of least `order` first.

    Parameters
    ----------
    listed : int array of shape (K,)
    forecasts : float array of shape (N, C)
    order : array of shape (N,)

    Returns
    -------
    int array of shape (K,)
    """
    groups = identical_groups(forecasts)
    ranked = np.lexsort((order, groups))
    place = np.arange(len(ranked)) - np.searchsorted(groups[ranked], groups[ranked])
    listings = np.bincount(groups[listed], minlength=len(groups))
    return np.sort(ranked[place < listings[groups[ranked]]])


def of_all_rows(test, tuning, arrays):
    """Accuracy, cross-entropy and distance of Baseline on all rows of both parts."""
    forecast = arrays["baseline_probabilities_test"]
    accuracy = metrics.accuracy(test.labels, forecast)
    loss = metrics.log_loss(test.distribution, forecast)
    distance = metrics.jensen_shannon_distance(test.distribution, forecast)
    tuned = arrays["baseline_probabilities_valid"]
    tuned_accuracy = metrics.accuracy(tuning.labels, tuned)
    tuned_loss = metrics.log_loss(tuning.distribution, tuned)
    return [
        Figure("images", PAPER, "3579", len(test)),
        Figure("hits", NOTEBOOK, "1963", accuracy * len(test)),
        Figure("accuracy", NOTEBOOK, "0.54848", accuracy),
        Figure("cross-entropy", NOTEBOOK, "1.49306", loss),
        Figure("JS distance, mean", PAPER, "0.473", distance.mean()),
        Figure("JS distance, standard deviation", PAPER, "0.131", distance.std()),
        Figure("accuracy on PrivateTest", NOTEBOOK, "0.54912", tuned_accuracy),
        Figure("cross-entropy on PrivateTest", NOTEBOOK, "1.53035", tuned_loss),
    ]


def of_kept_rows(test, arrays):
    """Baseline on the 75 % of the rows with least uncertainty of UncNet, by each of its parts."""
    forecast, total = arrays["baseline_probabilities_test"], arrays["uncnet_total_test"]
    all_distances = metrics.jensen_shannon_distance(test.distribution, forecast)
    figures = []
    for part, printed_accuracy, printed_loss, printed_mean in (
        ("aleatoric", "0.60209", "1.38014", "0.452"),
        ("epistemic", "0.55812", "1.48380", "0.466"),
        ("total", "0.60209", "1.37952", "0.452"),
    ):
        order = np.arange(len(test)) == LEFT_OUT_BY_EPISTEMIC if part == "epistemic" else total
        kept = kept_rows(arrays[f"kept_by_{part}"], forecast, order)
        accuracy = metrics.accuracy(test.labels[kept], forecast[kept])
        loss = metrics.log_loss(test.distribution[kept], forecast[kept])
        distance = all_distances[kept]
        words = f"75 % of least {part}"
        figures += [
            Figure(f"{words}: accuracy", NOTEBOOK, printed_accuracy, accuracy),
            Figure(f"{words}: cross-entropy", NOTEBOOK, printed_loss, loss),
            Figure(f"{words}: JS distance, mean", NOTEBOOK, printed_mean, distance.mean()),
            Figure(f"{words}: its standard deviation", NOTEBOOK, "0.133", distance.std()),
        ]
    return figures


def of_correlations(test, arrays):
    """UncNet's total uncertainty against the annotators: printed from other dropout passes."""
    total = arrays["uncnet_total_test"]
    with_disagreement = metrics.pearson(total, metrics.disagreement(test.votes))
    with_entropy = metrics.pearson(total, metrics.label_entropy(test.votes))
    return [
        Figure("r(total, disagreement)", NOTEBOOK, "0.29901", with_disagreement, exact=False),
        Figure("r(total, label entropy)", NOTEBOOK, "0.29630", with_entropy, exact=False),
    ]


def of_other_ways(test, arrays, twins):
    """What the authors did not print: other ways to count, calibration, no repeated images.

    `twins` (N,) is which test images occur in another part too.
    """
    forecast, total = arrays["baseline_probabilities_test"], arrays["uncnet_total_test"]
    accuracy = metrics.vote_accuracy(test.votes, forecast)
    divergence = metrics.jensen_shannon_divergence(test.distribution, forecast).mean()
    distance = metrics.jensen_shannon_distance(test.distribution, forecast)
    brier = metrics.annotation_brier_score(test.votes, forecast).total.mean()
    to_people = metrics.vote_calibration_error(test.votes, forecast, n_bins=10)
    to_label = metrics.expected_calibration_error(test.labels, forecast, n_bins=10)
    own = metrics.entropy(forecast)
    by_own, by_total = (
        metrics.accuracy_at_coverage(test.labels, forecast, doubt).accuracy
        for doubt in (own, total)
    )
    disagreement = metrics.disagreement(test.votes)
    figures = [
        Figure("accuracy, ties count in parts", EARLIER, "0.5384", accuracy.fractional),
        Figure("accuracy, any of the tied counts", EARLIER, "0.5510", accuracy.any_maximum),
        Figure("accuracy, strict majority", EARLIER, "0.5980", accuracy.strict_majority),
        Figure("JS divergence, mean", EARLIER, "0.2405", divergence),
        Figure("Brier score", EARLIER, "0.6607", brier),
        Figure("calibration error on annotations, 10 bins", EARLIER, "0.0233", to_people),
        Figure("calibration error on first maximum, 10 bins", EARLIER, "0.0697", to_label),
        Figure("75 % of least total as printed: accuracy", EARLIER, "0.60544", by_total),
        Figure("75 % of least own entropy: accuracy", EARLIER, "0.60320", by_own),
        Figure(
            "r(own entropy, disagreement)", EARLIER, "0.288", metrics.pearson(own, disagreement)
        ),
        Figure("r(own entropy, JS distance)", EARLIER, "0.572", metrics.pearson(own, distance)),
    ]
    for n_bins, printed, printed_excess in ((10, "0.890", "0.93"), (13, "0.891", "0.95")):
        bins = metrics.brier_by_uncertainty(test.votes, forecast, total, n_bins=n_bins)
        brier, null, excess = map(bins.index_correlation, ("brier", "null", "excess"))
        words = f"r(bin of total, {{}}), {n_bins} bins"
        figures += [
            Figure(words.format("Brier score"), EARLIER, printed, brier),
            Figure(words.format("calibrated null"), None, None, null),
            Figure(words.format("excess"), EARLIER, printed_excess, excess),
        ]
    alone = np.flatnonzero(~twins)
    accuracy = metrics.accuracy(test.labels[alone], forecast[alone])
    correlation = metrics.pearson(total[alone], disagreement[alone])
    return [
        *figures,
        Figure("images that Training or PrivateTest repeats", None, None, len(test) - len(alone)),
        Figure("without them: accuracy", None, None, accuracy),
        Figure("without them: JS distance, mean", None, None, distance[alone].mean()),
        Figure("without them: r(total, disagreement)", None, None, correlation),
    ]
