"""Training that resumes, run folders, and metrics to watch while training."""

from hetero_unc.training.fit import fit
from hetero_unc.training.model_file import load_model, save_model
from hetero_unc.training.run_folder import open_run_folder, package_versions
from hetero_unc.training.streaming_metrics import (
    BrierScore,
    ExpectedCalibrationError,
    LocAccuracy,
)

__all__ = [
    "BrierScore",
    "ExpectedCalibrationError",
    "LocAccuracy",
    "fit",
    "load_model",
    "open_run_folder",
    "package_versions",
    "save_model",
]
