"""From a trained model to a `Predictive`: the only door from tensors back to NumPy."""

from hetero_unc.inference.features import CachedFeatures, cached_features
from hetero_unc.inference.monte_carlo_dropout import set_pass, with_monte_carlo_dropout
from hetero_unc.inference.predict import MonteCarloDropout, predict, predict_passes

__all__ = [
    "CachedFeatures",
    "MonteCarloDropout",
    "cached_features",
    "predict",
    "predict_passes",
    "set_pass",
    "with_monte_carlo_dropout",
]
