"""How a loss finds the expectations over its Gaussian logits."""

__all__ = ["ACCURACIES", "ESTIMATORS"]

ESTIMATORS = ("exact", "draws")
ACCURACIES = ("fast", "standard", "high")
