"""What else computes the metrics of labels, forecasts and passes."""

import numpy as np
import sklearn.calibration
import sklearn.linear_model
import sklearn.metrics
from scipy import stats

from hetero_unc import metrics
from reference_problem import BINS, CLASSES, ITEMS, equal_mass, note_rows_in, pairs

ROWS = []
row = note_rows_in(ROWS)


@row("accuracy", "scikit-learn accuracy_score")
def _(p):
    ours = metrics.accuracy(p.labels, p.forecast)
    return ours, sklearn.metrics.accuracy_score(p.labels, p.predicted)


@row("log_loss", "scikit-learn log_loss")
def _(p):
    return metrics.log_loss(p.labels, p.forecast), sklearn.metrics.log_loss(p.labels, p.forecast)


@row("brier_score", "scikit-learn brier_score_loss")
def _(p):
    theirs = sklearn.metrics.brier_score_loss(p.labels, p.forecast, scale_by_half=False)
    return metrics.brier_score(p.labels, p.forecast), theirs


@row("brier_score", "torch-uncertainty BrierScore", needs=["torch_uncertainty"])
def _(p):
    from torch_uncertainty.metrics.classification import BrierScore

    return metrics.brier_score(p.labels, p.forecast), of_torch(BrierScore(CLASSES), p)


@row("expected_calibration_error", "netcal ECE", needs=["netcal"])
def _(p):
    from netcal.metrics import ECE

    ours = metrics.expected_calibration_error(p.labels, p.forecast, n_bins=BINS)
    return ours, ECE(BINS).measure(p.forecast, p.labels)


@row("expected_calibration_error", "torchmetrics calibration error, l1", needs=["torchmetrics"])
def _(p):
    ours = metrics.expected_calibration_error(p.labels, p.forecast, n_bins=BINS)
    return ours, torchmetrics_calibration(p, "l1")


@row("expected_calibration_error, equal_mass", "loop over bins")
def _(p):
    ours = metrics.expected_calibration_error(
        p.labels, p.forecast, n_bins=BINS, binning="equal_mass"
    )
    of_bins = pairs(p.confidence, p.hits, equal_mass(p.confidence))
    return ours, sum(share * abs(mean - hit) for share, mean, hit in of_bins)


@row("maximum_calibration_error", "netcal MCE", needs=["netcal"])
def _(p):
    from netcal.metrics import MCE

    ours = metrics.maximum_calibration_error(p.labels, p.forecast, n_bins=BINS)
    return ours, MCE(BINS).measure(p.forecast, p.labels)


@row("maximum_calibration_error", "torchmetrics calibration error, max", needs=["torchmetrics"])
def _(p):
    ours = metrics.maximum_calibration_error(p.labels, p.forecast, n_bins=BINS)
    return ours, torchmetrics_calibration(p, "max")


@row(
    "root_mean_square_calibration_error",
    "torchmetrics calibration error, l2",
    needs=["torchmetrics"],
)
def _(p):
    ours = metrics.root_mean_square_calibration_error(p.labels, p.forecast, n_bins=BINS)
    return ours, torchmetrics_calibration(p, "l2")


@row("debiased_calibration_error", "loop over bins")
def _(p):
    ours = metrics.debiased_calibration_error(
        p.labels, p.forecast, n_bins=BINS, binning="equal_width", squared=True
    )
    of_bins = pairs(p.confidence, p.hits)
    return ours, sum(
        share * ((mean - hit) ** 2 - hit * (1 - hit) / (round(share * ITEMS) - 1))
        for share, mean, hit in of_bins
        if round(share * ITEMS) > 1
    )


@row("classwise_calibration_error", "scikit-learn calibration_curve")
def _(p):
    gaps = []
    for label, column in enumerate(p.forecast.T):
        hit, mean = sklearn.calibration.calibration_curve(p.labels == label, column, n_bins=BINS)
        count = np.histogram(column, bins=np.linspace(0, 1, BINS + 1))[0]
        gaps.append(np.abs(hit - mean) @ count[count > 0] / ITEMS)
    ours = metrics.classwise_calibration_error(p.labels, p.forecast, n_bins=BINS)
    return ours, np.mean(gaps)


@row("adaptive_calibration_error", "loop over classes and sorted items")
def _(p):
    gaps = []
    for label, column in enumerate(p.forecast.T):
        order = np.split(np.argsort(column), BINS)
        gaps += [abs(column[part].mean() - (p.labels[part] == label).mean()) for part in order]
    return metrics.adaptive_calibration_error(p.labels, p.forecast, n_bins=BINS), np.mean(gaps)


@row("thresholded_adaptive_calibration_error", "loop over classes and bins")
def _(p):
    gaps = []
    for label, column in enumerate(p.forecast.T):
        kept = column > 0.1
        values, hits = column[kept], p.labels[kept] == label
        of_bins = pairs(values, hits, equal_mass(values))
        gaps.append(sum(share * abs(mean - hit) for share, mean, hit in of_bins))
    ours = metrics.thresholded_adaptive_calibration_error(
        p.labels, p.forecast, n_bins=BINS, threshold=0.1
    )
    return ours, np.mean(gaps)


@row("reliability_curve", "scikit-learn calibration_curve")
def _(p):
    curve = metrics.reliability_curve(p.labels, p.forecast, n_bins=BINS)
    filled = curve.count > 0
    hit, mean = sklearn.calibration.calibration_curve(p.hits, p.confidence, n_bins=BINS)
    return [curve.accuracy[filled], curve.confidence[filled]], [hit, mean]


@row("entropy", "SciPy entropy")
def _(p):
    return metrics.entropy(p.forecast), stats.entropy(p.forecast, axis=1)


@row("entropy_decomposition", "torch-uncertainty MutualInformation", needs=["torch_uncertainty"])
def _(p):
    import torch
    from torch_uncertainty.metrics.classification import MutualInformation

    theirs = MutualInformation()
    theirs.update(torch.tensor(p.passes.transpose(1, 0, 2)))
    return metrics.entropy_decomposition(p.passes).epistemic.mean(), theirs.compute().item()


@row("entropy_decomposition", "SciPy entropy of label against pass")
def _(p):
    # Mutual information of the joint table of pass and label, each pass as likely.
    joint = p.passes.transpose(1, 0, 2) / len(p.passes)
    apart = np.full((1, len(p.passes), 1), 1 / len(p.passes)) * p.forecast[:, None]
    theirs = [stats.entropy(a.ravel(), b.ravel()) for a, b in zip(joint, apart, strict=True)]
    return metrics.entropy_decomposition(p.passes).epistemic, theirs


@row("logit_variance_decomposition", "SciPy moments of the mixture")
def _(p):
    normal = stats.norm(p.loc, p.scale)
    mean, second = normal.moment(1).mean(axis=0), normal.moment(2).mean(axis=0)
    return metrics.logit_variance_decomposition(p.loc, p.scale).total, second - mean**2


@row("risk_coverage_curve, area_under_risk_coverage_curve", "loop over sorted items")
def _(p):
    errors = ~p.hits[np.argsort(p.doubt)]
    risks = [errors[:kept].mean() for kept in range(1, ITEMS + 1)]
    ours = metrics.risk_coverage_curve(p.labels, p.forecast, p.doubt).risk
    area = metrics.area_under_risk_coverage_curve(p.labels, p.forecast, p.doubt)
    return [*ours, area], [*risks, np.mean(risks)]


@row(
    "area_under_risk_coverage_curve",
    "torch-uncertainty AURC, its ends added",
    needs=["torch_uncertainty"],
)
def _(p):
    from torch_uncertainty.metrics.classification import AURC

    # Theirs is the trapezoid over coverage from 1 / N to 1: half of either end is put back.
    risk = metrics.risk_coverage_curve(p.labels, p.forecast).risk
    theirs = of_torch(AURC(), p) * (ITEMS - 1) / ITEMS + (risk[0] + risk[-1]) / 2 / ITEMS
    return metrics.area_under_risk_coverage_curve(p.labels, p.forecast), theirs


@row("excess_area_under_risk_coverage_curve", "area with errors last, by a loop")
def _(p):
    errors = ~p.hits[np.argsort(p.doubt)]
    areas = [
        np.mean([order[:kept].mean() for kept in range(1, ITEMS + 1)])
        for order in (errors, np.sort(errors))
    ]
    ours = metrics.excess_area_under_risk_coverage_curve(p.labels, p.forecast, p.doubt)
    return ours, areas[0] - areas[1]


@row("accuracy_at_coverage", "sorting")
def _(p):
    kept = np.argsort(p.doubt)[: int(0.75 * ITEMS)]
    found = metrics.accuracy_at_coverage(p.labels, p.forecast, p.doubt, coverage=0.75)
    return (found.accuracy, found.gain), (p.hits[kept].mean(), p.hits[kept].mean() - p.hits.mean())


@row("error_detection_auroc, out_of_distribution_auroc", "scikit-learn roc_auc_score")
def _(p):
    theirs = sklearn.metrics.roc_auc_score(~p.hits, p.doubt)
    ours = [
        metrics.error_detection_auroc(p.labels, p.forecast, p.doubt),
        metrics.out_of_distribution_auroc(p.doubt[p.hits], p.doubt[~p.hits]),
    ]
    return ours, [theirs, theirs]


@row("class_recall, balanced_accuracy", "scikit-learn recall_score, balanced_accuracy_score")
def _(p):
    recall = sklearn.metrics.recall_score(p.labels, p.predicted, average=None)
    balanced = sklearn.metrics.balanced_accuracy_score(p.labels, p.predicted)
    ours = metrics.class_recall(p.labels, p.forecast)
    return [*ours, metrics.balanced_accuracy(p.labels, p.forecast)], [*recall, balanced]


@row("pearson, spearman", "SciPy pearsonr, spearmanr")
def _(p):
    ours = metrics.pearson(p.doubt, p.confidence), metrics.spearman(p.doubt, p.confidence)
    functions = stats.pearsonr, stats.spearmanr
    return ours, [function(p.doubt, p.confidence).statistic for function in functions]


@row("partial_correlation", "scikit-learn LinearRegression, SciPy pearsonr of residuals")
def _(p):
    given = p.forecast[:, :2]
    left = [
        values - sklearn.linear_model.LinearRegression().fit(given, values).predict(given)
        for values in (p.doubt, p.confidence)
    ]
    ours = metrics.partial_correlation(p.doubt, p.confidence, given)
    return ours, stats.pearsonr(*left).statistic


@row("paired_test", "SciPy ttest_rel")
def _(p):
    found = metrics.paired_test(p.doubt, p.confidence)
    theirs = stats.ttest_rel(p.doubt, p.confidence)
    ours = [found.mean_difference, found.t, found.p_value]
    return ours, [(p.doubt - p.confidence).mean(), theirs.statistic, theirs.pvalue]


def of_torch(metric, p):
    """Value of a metric of torch-uncertainty on the problem's forecast and labels."""
    import torch

    metric.update(torch.tensor(p.forecast), torch.tensor(p.labels))
    return metric.compute().item()


def torchmetrics_calibration(p, norm):
    import torch
    from torchmetrics.functional.classification import multiclass_calibration_error

    return multiclass_calibration_error(
        torch.tensor(p.forecast), torch.tensor(p.labels), CLASSES, n_bins=BINS, norm=norm
    ).item()
