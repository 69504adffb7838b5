"""The page of the MNIST runs: how doubtful each digit is, why, and what to do about it.

`write_mnist_report(folder, dataset)` reads `folder/results.json`, the run folders that it names,
`folder/collapse.json` where there is one, and the test images. It never calls a model. A section
whose files are not there says so in one sentence.
"""

import csv
import json
import pathlib

import numpy as np

from hetero_unc.data import CONFUSABLE_PAIRS
from hetero_unc.predictive import Predictive
from hetero_unc.reports import html
from hetero_unc.reports.contradictions import collapse_section, flipped_section
from hetero_unc.reports.doubt import doubt_section, opening
from hetero_unc.reports.galleries import gallery_section
from hetero_unc.reports.normals import normals_section
from hetero_unc.reports.shown_run import ShownRun
from hetero_unc.reports.trust import training_section, trust_section
from mnist_results import FLIPPED, METHODS, headlines, recipe_name, results_section

NAMES = {"mnist": "MNIST", "digits": "scikit-learn's digits"}
PRESETS = ("full", "quick", "grid", "smoke", "flipped")  # the first that is there is shown
RECIPES_SHOWN = ("adam", "adam_augmented", "tutorial_sgd")  # likewise
IDENTITY = ("dataset", "method", "estimator", "recipe", "epochs", "seed", "precision")


def write_mnist_report(folder, dataset):
    """Write `folder/report.html`, whole or not at all, and return its path.

    Parameters
    ----------
    folder : str or Path
        Holds `results.json` and the run folders.
    dataset : ImageDataset
        The one that the runs were evaluated on.

    Raises
    ------
    FileNotFoundError
        If `results.json`, or a prediction of a run that is shown, is missing.
    ValueError
        If no row is of this data, or a prediction is damaged or of another number of items.
    """
    folder = pathlib.Path(folder)
    rows = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    rows = [row for row in rows if row["dataset"] == dataset.name]
    if not rows:
        raise ValueError(
            f"`folder` must hold results of the data {dataset.name!r}. Received: {folder}, whose "
            "results.json has none"
        )
    flipped = _flipped_rows(folder, dataset)
    plain = [row for row in rows if not row["recipe"].endswith(FLIPPED)]
    shown = _comparable(plain or rows)
    runs = [_read_run(folder, row, dataset) for row in shown]
    page = html.Page(
        title=_title(dataset),
        subtitle=_subtitle(dataset, shown[0]),
        opening=(*opening(dataset, runs[0]), headlines(shown)),
        sections=(
            results_section(plain),
            training_section(runs, items="test images"),
            trust_section(dataset.test_labels, runs),
            doubt_section(dataset, runs[0]),
            gallery_section(dataset, runs[0]),
            normals_section(dataset, runs),
            _collapse_section(folder),
            _flipped_section(folder, dataset, flipped),
            _making_section(folder, dataset, shown[0]),
        ),
        footer=(
            "Written by experiments/mnist_report.py of hetero_unc from the files beside it. "
            "Entropies in nats. No script, and nothing is loaded from elsewhere."
        ),
    )
    html.write_page(folder / "report.html", page)
    return folder / "report.html"


def _flipped_rows(folder, dataset):
    """Rows of the finished runs on flipped labels, whichever preset wrote `results.json` last."""
    rows = []
    for path in sorted(folder.glob("*/metrics.json")):
        config = json.loads((path.parent / "config.json").read_text(encoding="utf-8"))["config"]
        if config.get("flip_rate") and config["digest"] == dataset.digest:
            rows += json.loads(path.read_text(encoding="utf-8"))
    return [{"preset": "flipped", **row} for row in rows]


def _comparable(rows):
    """One row a method, alike in preset, recipe, epochs and seed; with passes where there are."""
    first = min(
        rows,
        key=lambda row: (
            list(METHODS).index(row["method"]),
            PRESETS.index(row["preset"]),
            RECIPES_SHOWN.index(row["recipe"].removesuffix(FLIPPED)),
            -row["epochs"],
            row["seed"],
        ),
    )
    alike = ("preset", "recipe", "epochs", "seed")
    rows = [row for row in rows if all(row[key] == first[key] for key in alike)]
    rows.sort(key=lambda row: (row["passes"], row["estimator"]))
    # The last one stays: with the most passes, and rather the exact estimator.
    chosen = {row["method"]: row for row in rows}
    return [chosen[method] for method in METHODS if method in chosen]


def _find_run(folder, dataset, row):
    """The run folder of a row and its `config.json`, matched by what the configurations say."""
    for path in sorted(folder.glob("*/config.json")):
        settings = json.loads(path.read_text(encoding="utf-8"))
        wanted = (dataset.digest, *(row[key] for key in IDENTITY))
        if _identity(settings["config"], dataset) == wanted:
            return path.parent, settings
    found = ", ".join(f"{key}={row[key]!r}" for key in IDENTITY)
    raise FileNotFoundError(
        f"`folder` must hold the run of each row that is shown. Received: {folder}, without {found}"
    )


def _identity(config, dataset):
    """What a row says of its run, from the run's configuration."""
    epochs = config["epochs"]
    if config.get("steps_per_epoch"):
        steps = epochs * config["steps_per_epoch"]
        epochs = steps * config["batch_size"] / len(dataset.train_labels)
    suffix = FLIPPED if config.get("flip_rate") else ""
    changed = {**config, "epochs": epochs, "recipe": config["recipe"] + suffix}
    # Runs of before there was a choice do not say that they drew.
    changed.setdefault("estimator", "none" if config["method"] == "softmax" else "draws")
    return (changed["digest"], *(changed[key] for key in IDENTITY))


def _read_run(folder, row, dataset):
    path, _ = _find_run(folder, dataset, row)
    dropout_off = Predictive.load(path / "predictive_deterministic.npz")
    predictive = Predictive.load(path / "predictive.npz") if row["passes"] else dropout_off
    if len(predictive) != len(dataset.test_labels):
        raise ValueError(
            f"{path} must predict the {len(dataset.test_labels)} test items of {dataset.name}. "
            f"Received: predictions of {len(predictive)}"
        )
    shifted = path / "predictive_shifted.npz"
    name, colour, line, marker = METHODS[row["method"]]
    return ShownRun(
        name=name,
        summary=predictive.summarise(),
        colour=colour,
        line=line,
        marker=marker,
        loc=None if dropout_off.loc is None else dropout_off.loc[0],
        scale=None if dropout_off.scale is None else dropout_off.scale[0],
        shifted=Predictive.load(shifted).summarise() if shifted.exists() else None,
        history=_read_history(path / "history.csv"),
    )


def _read_history(path):
    """Columns of a history as float arrays, empty cells NaN; None without any epoch."""
    if not path.exists():
        return None
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    if not lines:
        return None
    return {name: np.array([float(line[name] or "nan") for line in lines]) for name in lines[0]}


def _title(dataset):
    title = "How doubtful is each digit, and why?"
    return title if dataset.name == "mnist" else f"{title} (scikit-learn's small digits, not MNIST)"


def _subtitle(dataset, row):
    passes = f"{row['passes']} dropout passes" if row["passes"] else "without dropout passes"
    return (
        f"{len(dataset.test_labels):,} test images of {NAMES[dataset.name]}. Unless said "
        f"otherwise: {METHODS[row['method']][0]}, {recipe_name(row)}, {row['epochs']:.3g} epochs, "
        f"seed {row['seed']}, {passes}."
    )


def _collapse_section(folder):
    path = folder / "collapse.json"
    if not path.exists():
        return html.left_out(
            "collapse", "Which loss learns the scale?", "collapse.json is not in this folder"
        )
    return collapse_section(json.loads(path.read_text(encoding="utf-8")), METHODS)


def _flipped_section(folder, dataset, rows):
    if not rows:
        return html.left_out(
            "flipped",
            "Does doubt appear where labels contradict?",
            "no runs of make mnist PRESET=flipped are in this folder",
        )
    rows = _comparable(rows)
    runs = [_read_run(folder, row, dataset) for row in rows]
    rate = _find_run(folder, dataset, rows[0])[1]["config"]["flip_rate"]
    return flipped_section(dataset, runs, CONFUSABLE_PAIRS, rate)


def _making_section(folder, dataset, row):
    path, settings = _find_run(folder, dataset, row)
    rows = (
        ("data", f"{dataset.name}: {dataset.source}"),
        ("sha256 of the data", dataset.digest),
        ("other images", dataset.shifted_name or "none"),
        ("run shown", path.name),
        ("precision", str(row["precision"])),
        ("seconds of training", f"{row['seconds']:.0f}"),
        ("seed", str(row["seed"])),
    )
    return html.Section(
        "making",
        "How this page was made",
        (
            html.Preformatted(f"make mnist PRESET={row['preset']}", "Command"),
            html.Table("The data, and the run shown", ("what", "value"), rows, (0, 1)),
            html.Details(
                "Configuration and versions of the run shown",
                (html.Preformatted(json.dumps(settings, indent=2, sort_keys=True), "config.json"),),
            ),
        ),
    )
