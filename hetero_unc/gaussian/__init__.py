"""The maths of Gaussian logits: no layers, no losses, no models."""

from hetero_unc.gaussian.parameters import split_parameters
from hetero_unc.gaussian.sampling import as_distribution, draw_logits, draw_shared_logits

__all__ = ["as_distribution", "draw_logits", "draw_shared_logits", "split_parameters"]
