"""A small data set and a folder of runs on it, with made-up predictions and the real layout."""

import json
import shutil

import numpy as np
import pytest

from hetero_unc.data import ImageDataset
from hetero_unc.predictive import Predictive
from mnist_report import write_mnist_report

ITEMS, CLASSES, PASSES = 120, 10, 4
LOSSES = ("expected_cross_entropy", "marginal_likelihood")


@pytest.fixture(scope="session")
def small_dataset():
    rng = np.random.default_rng(0)
    images = rng.random((ITEMS, 8, 8, 1), dtype=np.float32)
    return ImageDataset(
        name="digits",
        train_images=images[:20],
        train_labels=np.arange(20) % CLASSES,
        test_images=images,
        test_labels=np.arange(ITEMS) % CLASSES,
        shifted_images=images[:30].transpose(0, 2, 1, 3),
        shifted_name="images of <nothing>",
        class_names=tuple("0123456789"),
        source="a test & nothing else",
    )


@pytest.fixture(scope="session")
def finished_runs(tmp_path_factory, small_dataset):
    """Three methods, two seeds, passes or none; the same on flipped labels; the collapse.

    Not to be written to.
    """
    folder = tmp_path_factory.mktemp("finished") / "runs"
    rows = []
    for method in ("softmax", *LOSSES):
        for seed in (0, 1):
            rows += write_run(folder, small_dataset, method, seed, flip_rate=0.0)
        write_run(folder, small_dataset, method, 0, flip_rate=0.2)
    (folder / "results.json").write_text(json.dumps(rows), encoding="utf-8")
    (folder / "collapse.json").write_text(json.dumps(collapse()), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def report(finished_runs, small_dataset):
    """The page of `finished_runs`, written once."""
    return write_mnist_report(finished_runs, small_dataset)


@pytest.fixture
def runs_folder(tmp_path, finished_runs):
    """A copy of `finished_runs`, without the page, for one test to change."""
    ignored = shutil.ignore_patterns("report.html")
    return shutil.copytree(finished_runs, tmp_path / "runs", ignore=ignored)


def write_run(folder, dataset, method, seed, *, flip_rate):
    path = folder / f"{method}-{seed}-{flip_rate}"
    path.mkdir(parents=True)
    config = {
        "method": method,
        "estimator": "none" if method == "softmax" else "draws",
        "recipe": "adam",
        "epochs": 2,
        "seed": seed,
        "dataset": dataset.name,
        "digest": dataset.digest,
        "precision": "float32",
        "flip_rate": flip_rate,
        "steps_per_epoch": None,
    }
    write_as_json(path / "config.json", {"config": config, "versions": {"python": "3"}})
    (path / "history.csv").write_text(
        "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n"
        "0,0.9,0.7,0.8,0.75,0.001,1.5\n1,0.5,0.8,0.4,0.85,,1.5\n",
        encoding="utf-8",
    )
    rng = np.random.default_rng(seed)
    names = {"predictive": PASSES, "predictive_deterministic": 1}
    for name, passes in names.items():
        made_up(rng, dataset.test_labels, passes, method).save(path / f"{name}.npz")
    unknown = rng.integers(0, CLASSES, len(dataset.shifted_images))
    made_up(rng, unknown, PASSES, method).save(path / "predictive_shifted.npz")
    shared = {key: config[key] for key in ("method", "epochs", "seed", "dataset", "precision")}
    numbers = {"nll": 0.4, "brier": 0.2, "ece": 0.03, "aurc": 0.01, "seconds": 3.0}
    rows = [
        {
            **shared,
            **numbers,
            "recipe": "adam_flipped" if flip_rate else "adam",
            "estimator": config["estimator"],
            "passes": passes,
            "accuracy": 0.8 + 0.1 * seed,
            "auroc_ood": 0.9,
            "auroc_errors": None,
            "mean_scale": None if method == "softmax" else 0.5,
            "preset": "quick",
        }
        for passes in (0, PASSES)
    ]
    write_as_json(path / "metrics.json", rows)
    return rows


def made_up(rng, labels, passes, method):
    shape = (passes, len(labels), CLASSES)
    loc = rng.normal(size=shape) + 3 * np.eye(CLASSES)[labels]
    probabilities = np.exp(loc) / np.exp(loc).sum(axis=-1, keepdims=True)
    if method == "softmax":
        return Predictive(probabilities)
    return Predictive(probabilities, loc=loc, scale=rng.uniform(1e-3, 1, shape))


def collapse():
    learned = {
        "scale_mean": [0.1, 2.0],
        "scale_sd": [0.05, 0.2],
        "trajectory": {"epoch": [0, 1], "scale": [0.8, 1.0]},
    }
    sides = {side: {loss: [0.1, 0.2] for loss in LOSSES} for side in ("right", "wrong")}
    curve = {"scale": [0.0, 1.0], **sides}
    fallen = {**learned, "scale_mean": [0.05, 0.05]}
    return {
        "expected_cross_entropy": fallen,
        "marginal_likelihood": learned,
        "rates": [0.0, 0.5],
        "curve": curve,
    }


def write_as_json(path, value):
    path.write_text(json.dumps(value), encoding="utf-8")
