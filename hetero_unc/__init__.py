"""Classifiers that say how doubtful they are, and why.

Import from the rooms: `from hetero_unc.layers import GaussianLogits`,
`from hetero_unc.metrics import brier_score`. This module imports nothing, so that the NumPy rooms
(`checks`, `predictive`, `metrics`, `data`) load without a framework.
"""

__version__ = "0.1.0"
