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

from hetero_unc.start_up import import_quietly

keras = import_quietly("keras")

import collapse
from hetero_unc import metrics
from hetero_unc.data import find_dataset, flip_labels_within_pairs, load_digits
from hetero_unc.inference import MonteCarloDropout, predict
from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood
from hetero_unc.models import small_cnn
from hetero_unc.predictive import Predictive
from hetero_unc.training import LocAccuracy, fit, open_run_folder, save_model
from hetero_unc.writing import write_json
from mnist_report import write_mnist_report

METHODS = ("softmax", "expected_cross_entropy", "marginal_likelihood")
# How each finds its expectations: as it was published, but for the marginal likelihood, which has
# no published code to follow.
ESTIMATORS = {
    "softmax": "none",
    "expected_cross_entropy": "draws",
    "marginal_likelihood": "exact",
}
NUM_CLASSES = 10
PARAMETERS = {"softmax": 3_274_634, "gaussian": 3_284_884}  # of the published network, SEED 1.2
PRESETS = ("quick", "full", "grid", "flipped", "smoke")
KEYS = ("method", "estimator", "recipe", "passes")  # of the rows that are averaged
RESULTS = ("model.keras", "predictive.npz", "predictive_deterministic.npz", "metrics.json")
PRECISIONS = ("float32", "mixed_bfloat16")

log = logging.getLogger("hetero_unc.experiments.mnist")


@dataclasses.dataclass(frozen=True)
class Run:
    """All that decides the result of one training run and its predictions."""

    method: str
    recipe: str
    epochs: int
    seed: int
    dataset: str
    digest: str
    flip_rate: float = 0.0
    batch_size: int = 100
    steps_per_epoch: int | None = None
    dropout: float = 0.4
    loss_draws: int = 1000
    prediction_draws: int = 1000
    passes: int = 30
    draws_per_pass: int = 100
    precision: str = "float32"
    estimator: str = "draws"

    @property
    def name(self):
        """Of its folder; the rest of the settings is compared when the folder is opened."""
        exact = "-exact" if self.estimator == "exact" else ""
        flipped = f"-flipped{round(100 * self.flip_rate)}" if self.flip_rate else ""
        return (
            f"{self.dataset}{flipped}-{self.method}{exact}-{self.recipe}-{self.epochs}epochs"
            f"-seed{self.seed}"
        )


def runs_of(preset, dataset, precision="float32"):
    """The runs of a preset, in the order in which they are of use."""
    adam = {"mnist": {"quick": 3, "flipped": 4}.get(preset, 8), "digits": 30}[dataset.name]
    base = {"dataset": dataset.name, "digest": dataset.digest, "precision": precision}
    if preset == "smoke":
        tiny = {**base, "passes": 5, "draws_per_pass": 20, "prediction_draws": 50, "loss_draws": 20}
        return [
            Run(method, "adam", 2, 0, estimator=estimator, **tiny)
            for method, estimator in ESTIMATORS.items()
        ]
    if preset in ("quick", "flipped"):
        base["flip_rate"] = 0.2 if preset == "flipped" else 0.0
        return [
            Run(method, "adam", adam, 0, estimator=estimator, **base)
            for method, estimator in ESTIMATORS.items()
        ]
    drawn = {**ESTIMATORS, "marginal_likelihood": "draws"}
    full = [
        Run(method, "adam", adam, seed, estimator=estimator, **base)
        for seed in range(5)
        for method, estimator in (*drawn.items(), ("marginal_likelihood", "exact"))
    ]
    augmented = [
        Run("marginal_likelihood", "adam_augmented", adam + adam // 2, seed, **base)
        for seed in range(5)
    ]
    if preset == "full":
        return full + augmented
    # 20,000 steps of 100, as in the tutorial; a checkpoint every 500.
    tutorial = {**base, "steps_per_epoch": 500}
    return (
        full
        + augmented
        + [
            Run(method, "tutorial_sgd", 40, seed, estimator=estimator, **tutorial)
            for seed in range(3)
            for method, estimator in drawn.items()
        ]
    )


def compiled_model(run, input_shape, steps):
    """The network of the run, its loss and its optimiser."""
    keras.config.set_dtype_policy(run.precision)
    seed = 1000 * (run.seed + 1)
    if run.method == "softmax":
        kernel = keras.initializers.GlorotUniform(seed)
        # float32, like the Gaussian head, so that precision does not tell the methods apart.
        head = keras.layers.Dense(
            NUM_CLASSES, "softmax", kernel_initializer=kernel, dtype="float32"
        )
    else:
        head = GaussianLogits(NUM_CLASSES, seed=seed)
    model = small_cnn(
        head,
        input_shape=input_shape,
        dropout=run.dropout,
        augmentation=affine_augmentation(seed) if run.recipe == "adam_augmented" else (),
        seed=seed + 10,
    )
    if input_shape == (28, 28, 1):
        expected = PARAMETERS["softmax" if run.method == "softmax" else "gaussian"]
        assert model.count_params() == expected, (model.count_params(), expected)
    # Independent draws, as in the published method; the exact integrals draw nothing.
    estimator = "exact" if run.estimator == "exact" else "draws"
    how = {"estimator": estimator, "draws": run.loss_draws, "seed": seed, "sequence": "independent"}
    loss, accuracy = {
        "softmax": (keras.losses.SparseCategoricalCrossentropy(), "accuracy"),
        "expected_cross_entropy": (ExpectedCrossEntropy(**how), LocAccuracy),
        "marginal_likelihood": (MarginalLikelihood(**how), LocAccuracy),
    }[run.method]
    if accuracy is LocAccuracy:
        accuracy = LocAccuracy(name="accuracy")
    model.compile(optimiser(run.recipe, steps), loss, metrics=[accuracy])
    return model


def optimiser(recipe, steps):
    """`tutorial_sgd`: plain SGD at 1e-3; else Adam with a warm-up and a cosine decay to zero."""
    if recipe == "tutorial_sgd":
        return keras.optimizers.SGD(1e-3)
    warmup = max(1, steps // 20)
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-4, steps - warmup, warmup_target=1e-3, warmup_steps=warmup
    )
    return keras.optimizers.Adam(schedule)


def affine_augmentation(seed):
    """Rotations to 10 degrees, shifts to 8 %, zooms to 10 %; black fills what comes in."""
    options = {"fill_mode": "constant", "fill_value": 0.0, "dtype": "float32"}
    return (
        keras.layers.RandomRotation(10 / 360, seed=seed + 21, **options),
        keras.layers.RandomTranslation(0.08, 0.08, seed=seed + 22, **options),
        keras.layers.RandomZoom(0.1, seed=seed + 23, **options),
    )


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


def train(run, dataset, run_folder):
    labels = dataset.train_labels
    if run.flip_rate:
        labels, _ = flip_labels_within_pairs(labels, rate=run.flip_rate, seed=run.seed)
    steps_per_epoch = run.steps_per_epoch or -(-len(labels) // run.batch_size)
    model = compiled_model(run, dataset.train_images.shape[1:], run.epochs * steps_per_epoch)
    history = fit(
        model,
        dataset.train_images,
        labels,
        folder=run_folder,
        epochs=run.epochs,
        num_classes=NUM_CLASSES,
        batch_size=run.batch_size,
        steps_per_epoch=steps_per_epoch,
        validation_data=(dataset.test_images, dataset.test_labels),
        validation_freq=5 if run.recipe == "tutorial_sgd" else 1,
        seed=run.seed,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    save_model(model, run_folder / "model.keras")
    return history, model


def predict_all(run, model, dataset, run_folder):
    drawn = run.estimator == "draws"
    passes = MonteCarloDropout(
        model,
        passes=run.passes,
        draws=run.draws_per_pass if drawn else None,
        seed=run.seed,
        progress=sys.stdout.isatty(),
    )
    for part, images in (("", dataset.test_images), ("_shifted", dataset.shifted_images)):
        if images is None:
            continue
        draws = run.prediction_draws if drawn else None
        once = predict(model, images, draws=draws, seed=run.seed)
        once.save(run_folder / f"predictive{part}_deterministic.npz")
        passes.predict(images).save(run_folder / f"predictive{part}.npz")


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
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped. The same command goes on from the last whole epoch.")
    except (FloatingPointError, OSError, RuntimeError, ValueError) as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"{type(error).__name__}: {error}")
