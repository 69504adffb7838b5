"""MNIST: how doubtful is each digit, and is the blog's gain the head's or the optimiser's?

    make mnist                     three methods, one seed: a page in under ten minutes on two cores
    make mnist PRESET=full         three methods, 8 epochs, five seeds; and augmented
    make mnist PRESET=grid         methods x recipes, five seeds (three of tutorial_sgd); hours
    make mnist PRESET=flipped      20 % of the labels of confusable pairs flipped
    make mnist PRESET=smoke        seconds, for tests

Reproduces Reasonable Doubt (Capital One, 2018): the two-layer CNN of the TensorFlow tutorials,
97 % before and 99.33 % after a Normal is put over each logit. Every run stands in a folder of its
own and resumes where it was stopped; presets share runs.
"""

import argparse
import dataclasses
import json
import logging
import pathlib
import sys

import numpy as np
from rich.console import Console
from rich.table import Table

from hetero_unc.start_up import errors_in_one_line, import_quietly

keras = import_quietly("keras")

import collapse
from hetero_unc import metrics
from hetero_unc.data import find_dataset, load_digits
from hetero_unc.predictive import Predictive
from hetero_unc.training import open_run_folder
from hetero_unc.writing import write_json
from mnist_report import write_mnist_report
from mnist_runs import METHODS, PRECISIONS, PRESETS, runs_of
from mnist_training import predict_all, train

KEYS = ("method", "estimator", "recipe", "passes")  # of the rows that are averaged
RESULTS = ("model.keras", "predictive.npz", "predictive_deterministic.npz", "metrics.json")

log = logging.getLogger("hetero_unc.experiments.mnist")


def carry_out(run, dataset, folder, *, preset):
    """Train, predict and evaluate one run, or read what it left; returns its rows."""
    config = dataclasses.asdict(run)
    with open_run_folder(folder / run.name, config) as run_folder:
        if not is_finished(run_folder):
            log.info("%s", run.name)
            history, model = train(run, dataset, run_folder)
            predict_all(run, model, dataset, run_folder)
            write_json(run_folder / "metrics.json", evaluate(run, history, dataset, run_folder))
        rows = json.loads((run_folder / "metrics.json").read_text(encoding="utf-8"))
    return [{**row, "preset": preset} for row in rows]


def is_finished(run_folder):
    """Whether a run left all its results; a damaged one that was deleted is made again."""
    return all((run_folder / name).exists() for name in RESULTS)


def evaluate(run, history, dataset, run_folder):
    """Two rows: without and with dropout passes."""
    rows = []
    for passes, suffix in ((0, "_deterministic"), (run.passes, "")):
        inside = Predictive.load(run_folder / f"predictive{suffix}.npz").summarise()
        shifted = run_folder / f"predictive_shifted{suffix}.npz"
        outside = Predictive.load(shifted).summarise() if shifted.exists() else None
        y_true, y_prob = dataset.test_labels, inside.probabilities
        accuracy = metrics.accuracy(y_true, y_prob)
        rows.append(
            {
                "method": run.method,
                "recipe": run.recipe + ("_flipped" if run.flip_rate else ""),
                "estimator": run.estimator,
                "passes": passes,
                "dataset": run.dataset,
                "seed": run.seed,
                "accuracy": accuracy,
                "nll": metrics.log_loss(y_true, y_prob),
                "brier": metrics.brier_score(y_true, y_prob),
                "ece": metrics.expected_calibration_error(y_true, y_prob),
                "aurc": metrics.area_under_risk_coverage_curve(y_true, y_prob, inside.total),
                "auroc_ood": outside
                and metrics.out_of_distribution_auroc(inside.total, outside.total),
                # Without mistakes there is nothing to detect.
                "auroc_errors": metrics.error_detection_auroc(y_true, y_prob, inside.total)
                if accuracy < 1
                else None,
                "mean_scale": None if inside.mean_scale is None else inside.mean_scale.mean(),
                "epochs": passes_over_training_set(run, len(dataset.train_labels)),
                "seconds": sum(row["seconds"] for row in history),
                "precision": run.precision,
            }
        )
    return rows


def passes_over_training_set(run, items):
    """Times that training shows each item; not whole where the recipe counts steps."""
    if run.steps_per_epoch is None:
        return run.epochs
    return run.epochs * run.steps_per_epoch * run.batch_size / items


def main(arguments=None):
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    dataset = load_digits() if options.digits else find_dataset(options.data_dir)
    if options.preset == "smoke":
        dataset = dataset.first(1000, 300, 300)
    folder = options.out
    runs = runs_of(options.preset, dataset, options.precision)
    runs.sort(key=lambda run: not is_finished(folder / run.name))
    show_collapse(collapse.SMOKE if options.preset == "smoke" else collapse.Settings(), folder)
    rows = []
    for run in runs:
        new = not is_finished(folder / run.name)
        rows += carry_out(run, dataset, folder, preset=options.preset)
        keras.backend.clear_session()
        # After each run, so that a grid of hours can be looked at while it works.
        write_json(folder / "results.json", rows)
        every_method = {row["method"] for row in rows} == set(METHODS)
        if every_method and (new or run is runs[-1]):
            report = write_mnist_report(folder, dataset)
    show(rows, report)


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, default="quick")
    parser.add_argument(
        "--data-dir",
        type=pathlib.Path,
        help="folder of the four MNIST idx files, or of mnist/ and fashion_mnist/; else "
        "HETERO_UNC_DATA, else TensorFlow Datasets, else the embedded digits",
    )
    parser.add_argument(
        "--digits", action="store_true", help="use the embedded digits, whatever else is there"
    )
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/mnist"))
    parser.add_argument(
        "--traceback", action="store_true", help="show where an error was raised, not it alone"
    )
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    return parser.parse_args(arguments)


def show_collapse(settings, folder):
    """Train the contradiction experiment for the report, unless an earlier call has."""
    path = folder / "collapse.json"
    wanted = json.loads(json.dumps(dataclasses.asdict(settings)))
    if not path.exists() or json.loads(path.read_text(encoding="utf-8"))["settings"] != wanted:
        log.info("labels that contradict each other at a known rate: which loss learns the scale?")
        collapse.run(settings, folder)


def show(rows, report):
    console = Console()
    table = Table(box=None, padding=(0, 1, 0, 0), caption="accuracy in %; ood: AUROC of doubt")
    for heading in (*KEYS, "runs", "accuracy", "nll", "ece", "ood"):
        table.add_column(heading, no_wrap=heading in ("method", "recipe"))
    for key in dict.fromkeys(tuple(row[name] for name in KEYS) for row in rows):
        same = [row for row in rows if tuple(row[name] for name in KEYS) == key]
        means = {
            name: np.mean([row[name] for row in same if row[name] is not None] or [np.nan])
            for name in ("accuracy", "nll", "ece", "auroc_ood")
        }
        table.add_row(
            *map(str, key),
            str(len(same)),
            f"{100 * means['accuracy']:.2f}",
            f"{means['nll']:.4f}",
            f"{means['ece']:.4f}",
            f"{means['auroc_ood']:.4f}",
        )
    console.print(table)
    console.print(f"Report: {report}", soft_wrap=True)


if __name__ == "__main__":
    with errors_in_one_line():
        main()
