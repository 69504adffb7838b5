"""What else computes the metrics of votes."""

import itertools

import numpy as np
import sklearn.calibration
import sklearn.linear_model
import sklearn.preprocessing
from scipy import optimize, spatial, special, stats

from hetero_unc import metrics
from reference_problem import BINS, CLASSES, ITEMS, OF_OPTIMA, equal_mass, note_rows_in

ROWS = []
row = note_rows_in(ROWS)


@row("disagreement, label_entropy", "scikit-learn normalize, SciPy entropy")
def _(p):
    shares = sklearn.preprocessing.normalize(p.votes, "l1")
    ours = metrics.disagreement(p.votes), metrics.label_entropy(p.votes)
    return ours, (1 - (shares**2).sum(axis=1), stats.entropy(shares, axis=1))


@row(
    "unbiased_disagreement",
    "torch-uncertainty Disagreement of annotators",
    needs=["torch_uncertainty"],
)
def _(p):
    import torch
    from torch_uncertainty.metrics.classification import Disagreement

    theirs = []
    for item in range(40):
        people = np.eye(CLASSES)[p.annotation[p.annotation_item == item]]
        metric = Disagreement()
        metric.update(torch.tensor(people[None]))
        theirs.append(metric.compute().item())
    return metrics.unbiased_disagreement(p.votes[:40]), theirs


@row("unbiased_disagreement", "loop over pairs of annotations")
def _(p):
    of_item = [p.annotation[p.annotation_item == item].tolist() for item in range(ITEMS)]
    theirs = [np.mean([a != b for a, b in itertools.combinations(x, 2)]) for x in of_item]
    return metrics.unbiased_disagreement(p.votes), theirs


@row("vote_shares", "scikit-learn normalize")
def _(p):
    return metrics.vote_shares(p.votes), sklearn.preprocessing.normalize(p.votes, "l1")


@row("noisy_shares", "matrix of what each vote becomes")
def _(p):
    stays = 0.7 * np.eye(CLASSES) + 0.3 * (1 - np.eye(CLASSES)) / (CLASSES - 1)
    return metrics.noisy_shares(p.shares, 0.3), p.shares @ stays


@row("jensen_shannon_distance, jensen_shannon_divergence", "SciPy jensenshannon")
def _(p):
    theirs = spatial.distance.jensenshannon(p.shares, p.forecast, axis=1)
    ours = [
        metrics.jensen_shannon_distance(p.shares, p.forecast),
        metrics.jensen_shannon_divergence(p.shares, p.forecast),
    ]
    return ours, [theirs, theirs**2]


@row("total_variation_distance, total_variation_error", "SciPy cityblock / 2")
def _(p):
    halves = [
        spatial.distance.cityblock(a, b) / 2 for a, b in zip(p.shares, p.forecast, strict=True)
    ]
    ours = metrics.total_variation_distance(p.shares, p.forecast)
    of_mean = metrics.total_variation_error(p.votes, p.forecast)
    return [*ours, of_mean], [*halves, np.mean(halves)]


@row("entropy_calibration_error", "SciPy entropy")
def _(p):
    gaps = np.abs(stats.entropy(p.shares, axis=1) - stats.entropy(p.forecast, axis=1))
    return metrics.entropy_calibration_error(p.votes, p.forecast), gaps.mean()


@row("annotation_brier_score", "loop over annotations")
def _(p):
    missed = np.eye(CLASSES)[p.annotation] - p.forecast[p.annotation_item]
    squares = (missed**2).sum(axis=1)
    theirs = [squares[p.annotation_item == item].mean() for item in range(ITEMS)]
    return metrics.annotation_brier_score(p.votes, p.forecast).total, theirs


@row("annotations_as_items", "loop over annotations")
def _(p):
    labels, forecast = metrics.annotations_as_items(p.votes, p.forecast)
    return [*labels, *forecast.ravel()], [*p.annotation, *p.forecast[p.annotation_item].ravel()]


@row("vote_calibration_error", "netcal ECE over annotations", needs=["netcal"])
def _(p):
    from netcal.metrics import ECE

    ours = metrics.vote_calibration_error(p.votes, p.forecast, n_bins=BINS)
    return ours, ECE(BINS).measure(p.forecast[p.annotation_item], p.annotation)


@row("vote_reliability_curve", "scikit-learn calibration_curve over annotations")
def _(p):
    curve = metrics.vote_reliability_curve(p.votes, p.forecast, n_bins=BINS)
    filled = curve.count > 0
    hits = p.predicted[p.annotation_item] == p.annotation
    confidence = p.confidence[p.annotation_item]
    hit, mean = sklearn.calibration.calibration_curve(hits, confidence, n_bins=BINS)
    return [curve.accuracy[filled], curve.confidence[filled]], [hit, mean]


@row("debiased_vote_calibration_error", "loop over pairs of items")
def _(p):
    counts = p.votes.sum(axis=1)
    gap = p.agreed - counts * p.confidence
    bins, total = np.ceil(p.confidence * BINS), 0.0
    for number in np.unique(bins):
        rows = np.flatnonzero(bins == number)
        if len(rows) > 1:
            products = [gap[i] * gap[j] for i, j in itertools.permutations(rows, 2)]
            total += np.mean(products) * len(rows) ** 2 / counts[rows].sum()
    ours = metrics.debiased_vote_calibration_error(
        p.votes, p.forecast, n_bins=BINS, binning="equal_width", squared=True
    )
    return ours, total / counts.sum()


@row("vote_accuracy, strict_majority", "loop over items")
def _(p):
    earned, majority = [], []
    for counts, label in zip(p.votes.tolist(), p.predicted, strict=True):
        ties = counts.count(max(counts))
        earned.append((counts[label] == max(counts)) / ties)
        majority.append(2 * max(counts) > sum(counts))
    ours = metrics.vote_accuracy(p.votes, p.forecast).fractional
    return [ours, *metrics.strict_majority(p.votes)], [np.mean(earned), *majority]


@row("annotator_agreement", "loop over annotations")
def _(p):
    earned = []
    for item, label in zip(p.annotation_item, p.annotation, strict=True):
        others = p.votes[item] - np.eye(CLASSES, dtype=int)[label]
        if others.sum():
            earned.append((others[label] == others.max()) / np.sum(others == others.max()))
    return metrics.annotator_agreement(p.votes), np.mean(earned)


@row("brier_by_uncertainty", "loop over bins of annotations")
def _(p):
    found = metrics.brier_by_uncertainty(p.votes, p.forecast, p.doubt, n_bins=BINS)
    missed = ((np.eye(CLASSES)[p.annotation] - p.forecast[p.annotation_item]) ** 2).sum(axis=1)
    bins = equal_mass(p.doubt)[p.annotation_item]
    return found.brier, [missed[bins == number].mean() for number in range(BINS)]


@row("moment_ceiling", "loop over four annotations of an item")
def _(p):
    votes = p.votes[p.votes.sum(axis=1) >= 4][:20]
    means, squares = [], []
    for counts in votes:
        people, few = np.repeat(np.arange(CLASSES), counts), 1 - 1 / counts.sum()
        differ = [a != b for a, b in itertools.permutations(people, 2)]
        both = [a != b and c != d for a, b, c, d in itertools.permutations(people, 4)]
        means.append(few * np.mean(differ))
        squares.append(few**2 * np.mean(both))
    spread = metrics.disagreement(votes).var()
    known = max(np.mean(squares) - np.mean(means) ** 2, 0.0)
    return metrics.moment_ceiling(votes), min(np.sqrt(known / spread), 1.0)


@row(
    "fit_dirichlet_multinomial",
    "SciPy dirichlet_multinomial, gradient at the fit",
    within=OF_OPTIMA,
)
def _(p):
    found = metrics.fit_dirichlet_multinomial(p.votes)

    def loss(logarithms):
        law = stats.dirichlet_multinomial(np.exp(logarithms), p.votes.sum(axis=1))
        return -law.logpmf(p.votes).mean()

    return optimize.approx_fprime(np.log(found), loss, 1e-5), np.zeros(CLASSES)


@row(
    "TemperatureCalibrator",
    "netcal TemperatureScaling over annotations",
    needs=["netcal"],
    within=OF_OPTIMA,
)
def _(p):
    from netcal.scaling import TemperatureScaling

    ours = metrics.TemperatureCalibrator().fit(p.forecast, p.votes).transform(p.forecast)
    theirs = TemperatureScaling(method="mle")
    theirs.fit(p.forecast[p.annotation_item], p.annotation)
    return ours, theirs.transform(p.forecast)


@row(
    "DirichletCalibrator, no penalty",
    "scikit-learn LogisticRegression over annotations",
    within=OF_OPTIMA,
)
def _(p):
    logarithms = np.log(p.forecast)
    theirs = sklearn.linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000)
    theirs.fit(logarithms[p.annotation_item], p.annotation)
    ours = metrics.DirichletCalibrator(penalty=0.0).fit(p.forecast, p.votes)
    return ours.transform(p.forecast), theirs.predict_proba(logarithms)


@row("VectorCalibrator", "SciPy minimize over annotations", within=OF_OPTIMA)
def _(p):
    logarithms = np.log(p.forecast)

    def probabilities(values):
        weight, intercept = np.split(values, 2)
        return special.softmax(weight * logarithms + intercept, axis=1)

    def loss(values):
        chosen = probabilities(values)[p.annotation_item, p.annotation]
        return -np.log(chosen).mean()

    start = np.concatenate([np.ones(CLASSES), np.zeros(CLASSES)])
    best = optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-7})
    ours = metrics.VectorCalibrator().fit(p.forecast, p.votes)
    return ours.transform(p.forecast), probabilities(best.x)
