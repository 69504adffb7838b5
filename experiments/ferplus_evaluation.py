"""From the predictive files and the votes of a run to its rows of results.

    rows = evaluate_run(run_folder, data)

One row for each split, without and with dropout passes. Disagreement, distances, calibration and
rejection are of the paper's nine columns (protocol `paper_nine_columns`); accuracy on eight classes
is FERPlus' own (protocol `ferplus_majority`). Nothing here calls a model.
"""

import csv
import functools
import json
import pathlib

import numpy as np

from ferplus_measures import evaluate_labels, evaluate_votes, headlines
from hetero_unc import metrics
from hetero_unc.data import CLASSES_8, CLASSES_9, has_twin_in, identical_groups
from hetero_unc.data.ferplus_protocols import ferplus_majority, paper_nine_columns
from hetero_unc.machine import processor
from hetero_unc.predictive import Predictive

__all__ = [
    "SPLITS",
    "evaluate_run",
    "identity",
    "prepared",
    "read_config",
    "read_history_seconds",
    "read_predictive",
    "voted_items",
]

SPLITS = {"validation": "Training", "publictest": "PublicTest", "privatetest": "PrivateTest"}


def evaluate_run(run_folder, data, *, seconds=None, machine=None, resamples=400):
    """Rows of results of one finished run.

    Parameters
    ----------
    run_folder : str or Path
        Holds `config.json`, and for each split that was predicted `predictive-<split>.npz` and
        `predictive-<split>-deterministic.npz`; either may be absent. `parts.json`, where it is
        there, counts the training images.
    data : FerPlus
        Votes and images; the `ids` of the predictions are its row numbers.
    seconds : float, optional
        Of training; else those of `parts.json`, else the sum of `history.csv`, else None.
    machine : str, optional
        Where it was trained; else what `config.json` has, or this machine where that is older.
    resamples : int, default=400
        Of the intervals, by groups of identical images; the validation part gets none.

    Returns
    -------
    list of dict
        JSON-serialisable; what cannot be computed is None.

    Raises
    ------
    FileNotFoundError
        If `config.json` or every predictive file is missing.
    ValueError
        If a file is damaged, is of rows of another split, or lacks rows that a protocol keeps.
    """
    run_folder = pathlib.Path(run_folder)
    config = read_config(run_folder)
    parts = _read_json(run_folder / "parts.json")
    if seconds is None:
        seconds = parts.get("seconds")
    if seconds is None:
        seconds = read_history_seconds(run_folder)
    about = {
        **identity(config),
        "members": len(config.get("members", [config["seed"]])),
        "protocol": "paper_nine_columns",
        "chosen_epoch": parts.get("chosen_epoch"),
        "training_images": parts.get("training"),
        "left_out": parts.get("left_out"),
        "seconds": seconds,
        "machine": machine or _read_json(run_folder / "config.json").get("machine", processor()),
    }
    rows = []
    for split in SPLITS:
        for deterministic in (True, False):
            predictive = read_predictive(run_folder, split, data, deterministic=deterministic)
            if predictive is not None:
                found = evaluate_split(predictive, data, split, resamples=resamples)
                passes = 0 if deterministic else predictive.passes
                rows.append({**about, "split": split, "passes": passes, **found})
    if not rows:
        raise FileNotFoundError(
            f"`run_folder` must hold predictive-<split>.npz of {', '.join(SPLITS)}. "
            f"Received: {run_folder}, with none"
        )
    return rows


def read_config(run_folder):
    """The configuration of a run, as a dict."""
    path = pathlib.Path(run_folder) / "config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    return settings.get("config", settings)


def read_history_seconds(run_folder):
    """Seconds of all epochs in `history.csv`; None without it."""
    path = pathlib.Path(run_folder) / "history.csv"
    if not path.exists():
        return None
    # Not hetero_unc.training's reader, which would load Keras for one column.
    with open(path, newline="", encoding="utf-8") as file:
        return sum(float(row["seconds"] or 0) for row in csv.DictReader(file))


def identity(config):
    """What tells a run from the others of a folder, from its configuration, as a dict."""
    epochs = config.get("epochs")
    if epochs is None and "phases" in config:
        epochs = sum(epochs for _, epochs in config["phases"])
    return {
        "method": config["method"],
        "recipe": config["recipe"],
        "dataset": config.get("dataset", "ferplus"),
        "seed": config["seed"],
        "endpoint": config.get("endpoint"),
        "preprocessing": config.get("preprocessing"),
        "trunk": config.get("trunk"),
        "precision": config.get("precision", "float32"),
        "epochs": epochs,
        "learning_rate": config.get("learning_rate"),
    }


def _read_json(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def read_predictive(run_folder, split, data, *, deterministic):
    """The predictions of one split; None where there are none.

    Raises
    ------
    ValueError
        If the file is damaged, not of nine classes, or of rows of another split.
    """
    suffix = "-deterministic" if deterministic else ""
    path = pathlib.Path(run_folder) / f"predictive-{split}{suffix}.npz"
    if not path.exists():
        return None
    predictive = Predictive.load(path)
    ids, usage = predictive.ids, SPLITS[split]
    if ids.dtype.kind not in "iu" or ids.min() < 0 or ids.max() >= len(data):
        raise ValueError(
            f"{path} must have row numbers below {len(data)} as ids. Received: {ids[:3]} and more"
        )
    different = len(np.unique(ids))
    foreign = int((data.usage[ids] != usage).sum())
    if different < len(ids) or foreign:
        raise ValueError(
            f"{path} must predict rows of {usage}, each once. Received: {len(ids)} rows, "
            f"{different} different, {foreign} of another part"
        )
    classes = predictive.probabilities.shape[2]
    if classes != len(CLASSES_9):
        raise ValueError(f"{path} must predict {len(CLASSES_9)} classes. Received: {classes}")
    return predictive


def voted_items(predictive, data, split, protocol):
    """The predictions of the rows that a protocol keeps, and those rows, in one order.

    Parameters
    ----------
    predictive : Predictive
    data : FerPlus
    split : str
        A key of `SPLITS`. Of the validation part any rows may have been predicted.
    protocol : ProtocolRows
        Of all of `data`.

    Returns
    -------
    predictive : Predictive
    kept : ProtocolRows

    Raises
    ------
    ValueError
        If no row is kept, or the predictions of a test split lack one that is.
    """
    wanted = protocol.among(data.rows_of(SPLITS[split]))
    kept = wanted.among(predictive.ids)
    if not len(kept) or (split != "validation" and len(kept) < len(wanted)):
        raise ValueError(
            f"The predictions of {split} must cover the {len(wanted)} rows that {protocol.name} "
            f"keeps. Received: {len(kept)} of them"
        )
    order = np.argsort(predictive.ids)
    places = order[np.searchsorted(predictive.ids, kept.rows, sorter=order)]
    return _select(predictive, places), kept


def evaluate_split(predictive, data, split, *, resamples=400):
    """All numbers of one row of results, as a dict; see `ferplus_measures`."""
    nine, majority, groups = prepared(data)
    everything = np.arange(len(data))
    twins = has_twin_in(groups, everything, everything)
    chosen, kept = voted_items(predictive, data, split, nine)
    # What is chosen on needs no interval, and there are many runs to choose from.
    resamples = 0 if split == "validation" else resamples
    found = evaluate_votes(chosen, kept.votes, groups=groups[kept.rows], resamples=resamples)
    alone = ~twins[kept.rows]
    if alone.sum() > 2:
        without = headlines(_select(chosen, np.flatnonzero(alone)), kept.votes[alone])
        found |= {f"{name}_without_twins": value for name, value in without.items()}
    chosen, kept = voted_items(predictive, data, split, majority)
    probabilities = chosen.summarise().probabilities
    found |= evaluate_labels(kept.labels, probabilities, CLASSES_8)
    right = probabilities[:, : len(CLASSES_8)].argmax(axis=1) == kept.labels
    alone = ~twins[kept.rows]
    found["accuracy_8_without_twins"] = float(right[alone].mean()) if alone.any() else None
    if resamples:
        interval = metrics.bootstrap_interval(
            np.mean, right, groups=groups[kept.rows], resamples=resamples
        )
        found["intervals"]["accuracy_8"] = [interval.low, interval.high]
    return found


@functools.lru_cache(maxsize=1)
def prepared(data):
    """The rows of both protocols, and which images are identical, of all of `data`."""
    return paper_nine_columns(data), ferplus_majority(data), identical_groups(data.images)


def _select(predictive, positions):
    """The predictions of some items."""
    kept = {
        name: None if value is None else value[:, positions]
        for name, value in vars(predictive).items()
        if name != "ids"
    }
    return Predictive(ids=predictive.ids[positions], **kept)
