"""Every module says what it offers, everything offered is there and explained."""

import importlib
import inspect
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "hetero_unc"
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.parent != PACKAGE or path.name != "__init__.py"
)
# What README, the notebooks and other people's programs import: renaming one is a breaking change.
PROMISED = {
    "hetero_unc.gaussian": {
        "as_distribution",
        "draw_logits",
        "expected_agreement",
        "expected_entropy",
        "expected_log_sum_exp",
        "expected_products",
        "expected_softmax",
        "log_expected_softmax",
        "log_expected_votes",
        "negative_log_expected_softmax",
        "split_parameters",
    },
    "hetero_unc.layers": {
        "GaussianLogits",
        "LogExpectedSoftmax",
        "RandomAffine",
        "StandardisedConv2D",
    },
    "hetero_unc.losses": {"ExpectedCrossEntropy", "MarginalLikelihood", "VoteLikelihood"},
    "hetero_unc.models": {
        "compact_network",
        "dropout_network",
        "gaussian_classifier",
        "inception_resnet_v1",
        "small_cnn",
    },
    "hetero_unc.classifier": {"HeteroscedasticClassifier"},
    "hetero_unc.inference": {
        "MonteCarloDropout",
        "predict",
        "predict_passes",
        "with_monte_carlo_dropout",
    },
    "hetero_unc.predictive": {"Predictive", "PredictiveSummary"},
    "hetero_unc.data": {"ImageDataset", "find_dataset", "load_digits", "load_mnist"},
    "hetero_unc.training": {"fit"},
    "hetero_unc.metrics": {
        "accuracy",
        "area_under_risk_coverage_curve",
        "brier_score",
        "entropy_decomposition",
        "error_detection_auroc",
        "expected_calibration_error",
        "log_loss",
        "out_of_distribution_auroc",
        "reliability_curve",
        "risk_coverage_curve",
    },
}


@pytest.mark.parametrize("module", MODULES)
def test_every_module_lists_names_that_are_there_and_explained(module):
    loaded = importlib.import_module(module)
    assert loaded.__doc__, "a module says in its first line what it is for"
    names = loaded.__all__
    assert len(set(names)) == len(names)
    for name in names:
        thing = getattr(loaded, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, f"{name} has no docstring"


@pytest.mark.parametrize("module", PROMISED)
def test_promised_names_are_offered(module):
    assert PROMISED[module] <= set(importlib.import_module(module).__all__)
