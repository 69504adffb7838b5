"""Small data sets and folders of runs on them, with made-up predictions and the real layout."""

import json
import shutil

import numpy as np
import pytest

from ferplus_evaluation import evaluate_run
from ferplus_neighbours import feature_neighbours
from ferplus_report import write_ferplus_report
from ferplus_shift import evaluate_shift
from hetero_unc.audit import AuditSettings, audit
from hetero_unc.data import FerPlus, ImageDataset, Predictions, VoteTable
from hetero_unc.predictive import Predictive
from hetero_unc.reports.audit_page import write_audit_page
from mnist_report import write_mnist_report

ITEMS, CLASSES, PASSES = 120, 10, 4
LOSSES = ("expected_cross_entropy", "marginal_likelihood")
FACES = {"Training": 60, "PublicTest": 120, "PrivateTest": 20}
VOTE_CLASSES = 9
PARTS = ("aleatoric", "epistemic")


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


@pytest.fixture(scope="session")
def small_ferplus():
    """FER+ in small: crowds of known shares, one row without a name, two identical images."""
    rng = np.random.default_rng(1)
    usage = np.repeat(list(FACES), list(FACES.values()))
    crowds = rng.dirichlet(np.array([2.0, 2, 1, 1, 0.7, 0.2, 0.3, 0.2, 0.3]) / 3, len(usage))
    votes = np.zeros((len(usage), VOTE_CLASSES + 1), np.int64)
    votes[:, :VOTE_CLASSES] = rng.multinomial(10, crowds)
    names = np.array([f"fer{row:07d}.png" for row in range(len(usage))])
    votes[70], names[70] = np.eye(10, dtype=np.int64)[9] * 10, ""
    images = rng.integers(0, 256, (len(usage), 48, 48, 1), np.uint8)
    images[5] = images[90]
    return FerPlus(
        images=images,
        votes=votes,
        emotion=rng.integers(0, 7, len(usage)),
        usage=usage,
        names=names,
        source="a test & nothing else",
    )


@pytest.fixture(scope="session")
def ferplus_runs(tmp_path_factory, small_ferplus):
    """Runs of both recipes and ours, with the evidence files. Not to be written to."""
    folder = tmp_path_factory.mktemp("ferplus") / "runs"
    rows = []
    for recipe, method, seeds in (
        ("published", "uncnet", 1),
        ("corrected", "baseline", 1),
        ("corrected", "uncnet", 2),
        ("end_to_end", "compact_votes", 1),
    ):
        for seed in range(seeds):
            path = folder / f"{recipe}-{method}-{seed}"
            write_ferplus_run(path, small_ferplus, recipe, method, seed)
            rows += evaluate_run(path, small_ferplus, resamples=40)
    path = folder / "corrected-uncnet-0-Mixed_5a"
    write_ferplus_run(path, small_ferplus, "corrected", "uncnet", 0, "Mixed_5a")
    rows += evaluate_run(path, small_ferplus, resamples=0)
    write_as_json(folder / "results.json", rows)
    tested = small_ferplus.rows_of("PublicTest")[:20]
    images, votes = small_ferplus.images[tested], small_ferplus.votes[tested, :VOTE_CLASSES]
    shift = evaluate_shift(
        lambda images: forecast(np.random.default_rng(0), votes[: len(images)] + 0.1, 3),
        images,
        votes,
        name="a network",
        rows=tested,
        other={"noise": images[:5]},
    )
    ours = folder / "end_to_end-compact_votes-0"
    write_as_json(ours / "shift.json", shift)
    features = np.random.default_rng(2).random((30, 8))
    write_as_json(ours / "neighbours.json", feature_neighbours(features, np.arange(30)))
    write_as_json(folder / "leak_test.json", leak())
    return folder


@pytest.fixture(scope="session")
def ferplus_report(ferplus_runs, small_ferplus):
    """The page of `ferplus_runs`, written once."""
    return write_ferplus_report(ferplus_runs, small_ferplus)


@pytest.fixture
def ferplus_folder(tmp_path, ferplus_runs):
    """A copy of `ferplus_runs`, without the page, for one test to change."""
    ignored = shutil.ignore_patterns("report.html")
    return shutil.copytree(ferplus_runs, tmp_path / "runs", ignore=ignored)


def write_ferplus_run(path, data, recipe, method, seed, endpoint="Mixed_7a"):
    path.mkdir(parents=True)
    config = {
        "method": method,
        "recipe": recipe,
        "seed": seed,
        "dataset": "ferplus",
        "endpoint": None if recipe == "end_to_end" else endpoint,
        "epochs": 2,
        "precision": "float32",
    }
    write_as_json(path / "config.json", {"config": config, "versions": {"python": "3"}})
    (path / "history.csv").write_text("epoch,loss,seconds\n1,0.9,1.5\n2,0.5,2.5\n", "utf-8")
    rng = np.random.default_rng([seed, len(method)])
    passes_of = {"-deterministic": 1} if method == "baseline" else {"": 4, "-deterministic": 1}
    for split, usage in (("publictest", "PublicTest"), ("validation", "Training")):
        rows = rng.permutation(data.rows_of(usage))
        weights = data.votes[rows, :VOTE_CLASSES] + 1.5
        for suffix, passes in passes_of.items():
            found = forecast(rng, weights, passes, ids=rows)
            found.save(path / f"predictive-{split}{suffix}.npz")


def leak():
    """What experiments/leak_test.py leaves, of two levels and two seeds."""
    values = [[0.5, 0.6], [0.7, 0.8]]
    head = {f"{part}_by_{cause}": values for part in PARTS for cause in ("noise", "size")}
    head |= {"leak": {"noise": 0.25, "size": 0.75}, "rank_correlation": [0.5, 0.7]}
    levels = {"noise_rates": [0.0, 0.4], "sizes": [100, 50], "true_aleatoric": [0.5, 0.9]}
    return {"source": "drawn faces", **levels, "softmax": head}


def forecast(rng, weights, passes, *, ids=None):
    """Predictions that know something of the votes, and differ from pass to pass."""
    loc = np.log(weights) + rng.normal(0, 0.6, (1, *weights.shape))
    loc = loc + rng.normal(0, 0.3, (passes, *weights.shape))
    probabilities = np.exp(loc) / np.exp(loc).sum(axis=-1, keepdims=True)
    return Predictive(probabilities, ids=ids)


@pytest.fixture(scope="session")
def audited():
    """What an audit of made-up predictions and votes found: its numbers and its items."""
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (240, 4)) + rng.normal(0, 0.3, (5, 240, 4))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    votes = rng.multinomial(8, probabilities.mean(axis=0))
    votes[:4] = 8 * np.eye(4, dtype=np.int64)[probabilities.mean(axis=0)[:4].argmin(axis=1)]
    ids = np.array([f"folder/{index}.png" for index in range(240)])
    names = ("cat", "<b>dog</b>", "=cow", "a class of a long name")
    groups = {"camera": np.array(["left", "right & <i>up</i>"])[np.arange(240) % 2]}
    result = audit(
        Predictions(probabilities, ids, classes=names),
        VoteTable(ids, names, votes, groups=groups),
        settings=AuditSettings(resamples=20),
    )
    return result.as_json(), result.items


@pytest.fixture(scope="session")
def audit_page(tmp_path_factory, audited):
    """The page of `audited` with some pictures, written once."""
    path = tmp_path_factory.mktemp("audit") / "audit.html"
    pictures = np.random.default_rng(4).random((9, 12, 12))
    names = audited[1]["id"][:9].tolist()
    write_audit_page(path, *audited, dict(zip(names, pictures, strict=True)))
    return path
