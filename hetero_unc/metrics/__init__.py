"""Judging probabilities and uncertainties: functions of NumPy arrays that load no framework.

`(y_true, y_prob, *, options)`, as in scikit-learn; `y_prob` is `(N, C)`, also for two classes. Each
function states its convention on bins and ties in its docstring. The common ones exist as streaming
`keras.metrics.Metric` in `hetero_unc.training.streaming_metrics`.
"""

from hetero_unc.metrics.annotation_brier import AnnotationBrierScore, annotation_brier_score
from hetero_unc.metrics.association import partial_correlation, pearson, spearman
from hetero_unc.metrics.calibrated_null import calibrated_null, redraw_votes, resampling_floor
from hetero_unc.metrics.calibration import (
    debiased_calibration_error,
    expected_calibration_error,
    maximum_calibration_error,
    root_mean_square_calibration_error,
)
from hetero_unc.metrics.classwise_calibration import (
    adaptive_calibration_error,
    classwise_calibration_error,
    thresholded_adaptive_calibration_error,
)
from hetero_unc.metrics.decomposition import (
    EntropyDecomposition,
    LogitVarianceDecomposition,
    entropy,
    entropy_decomposition,
    logit_variance_decomposition,
)
from hetero_unc.metrics.disagreement import (
    disagreement,
    label_entropy,
    unbiased_disagreement,
    vote_shares,
)
from hetero_unc.metrics.distances import (
    jensen_shannon_distance,
    jensen_shannon_divergence,
    total_variation_distance,
)
from hetero_unc.metrics.intervals import Interval, PairedTest, bootstrap_interval, paired_test
from hetero_unc.metrics.leakage import LeakTest, leak_test
from hetero_unc.metrics.noise_ceiling import (
    dirichlet_multinomial_ceiling,
    fit_dirichlet_multinomial,
    moment_ceiling,
    split_half_ceiling,
)
from hetero_unc.metrics.noisy_votes import add_label_noise, noisy_shares
from hetero_unc.metrics.recall import balanced_accuracy, class_recall
from hetero_unc.metrics.reliability import ReliabilityCurve, reliability_curve
from hetero_unc.metrics.scoring import accuracy, brier_score, log_loss
from hetero_unc.metrics.selective_prediction import (
    AccuracyAtCoverage,
    RiskCoverageCurve,
    accuracy_at_coverage,
    area_under_risk_coverage_curve,
    excess_area_under_risk_coverage_curve,
    risk_coverage_curve,
)
from hetero_unc.metrics.shift import error_detection_auroc, out_of_distribution_auroc
from hetero_unc.metrics.uncertainty_percentiles import BrierByUncertainty, brier_by_uncertainty
from hetero_unc.metrics.vote_accuracy import (
    VoteAccuracy,
    annotator_agreement,
    strict_majority,
    vote_accuracy,
)
from hetero_unc.metrics.vote_calibration import (
    annotations_as_items,
    debiased_vote_calibration_error,
    entropy_calibration_error,
    total_variation_error,
    vote_calibration_error,
    vote_reliability_curve,
)
from hetero_unc.metrics.vote_calibrators import (
    DirichletCalibrator,
    TemperatureCalibrator,
    VectorCalibrator,
)

__all__ = [
    "AccuracyAtCoverage",
    "AnnotationBrierScore",
    "BrierByUncertainty",
    "DirichletCalibrator",
    "EntropyDecomposition",
    "Interval",
    "LeakTest",
    "LogitVarianceDecomposition",
    "PairedTest",
    "ReliabilityCurve",
    "RiskCoverageCurve",
    "TemperatureCalibrator",
    "VectorCalibrator",
    "VoteAccuracy",
    "accuracy",
    "accuracy_at_coverage",
    "adaptive_calibration_error",
    "add_label_noise",
    "annotation_brier_score",
    "annotations_as_items",
    "annotator_agreement",
    "area_under_risk_coverage_curve",
    "balanced_accuracy",
    "bootstrap_interval",
    "brier_by_uncertainty",
    "brier_score",
    "calibrated_null",
    "class_recall",
    "classwise_calibration_error",
    "debiased_calibration_error",
    "debiased_vote_calibration_error",
    "dirichlet_multinomial_ceiling",
    "disagreement",
    "entropy",
    "entropy_calibration_error",
    "entropy_decomposition",
    "error_detection_auroc",
    "excess_area_under_risk_coverage_curve",
    "expected_calibration_error",
    "fit_dirichlet_multinomial",
    "jensen_shannon_distance",
    "jensen_shannon_divergence",
    "label_entropy",
    "leak_test",
    "log_loss",
    "logit_variance_decomposition",
    "maximum_calibration_error",
    "moment_ceiling",
    "noisy_shares",
    "out_of_distribution_auroc",
    "paired_test",
    "partial_correlation",
    "pearson",
    "redraw_votes",
    "reliability_curve",
    "resampling_floor",
    "risk_coverage_curve",
    "root_mean_square_calibration_error",
    "spearman",
    "split_half_ceiling",
    "strict_majority",
    "thresholded_adaptive_calibration_error",
    "total_variation_distance",
    "total_variation_error",
    "unbiased_disagreement",
    "vote_accuracy",
    "vote_calibration_error",
    "vote_reliability_curve",
    "vote_shares",
]
