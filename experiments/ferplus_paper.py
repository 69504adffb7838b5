"""FER+ as the paper does it: small networks with dropout on the features of a frozen trunk.

    python experiments/ferplus_paper.py --stage features      the cache of features, once
    python experiments/ferplus_paper.py --preset published    the published recipe
    python experiments/ferplus_paper.py --preset corrected    five methods, five seeds
    python experiments/ferplus_paper.py --preset endpoints    one method, six endpoints of the trunk
    python experiments/ferplus_paper.py --preset inputs       one method, four other preprocessings
    python experiments/ferplus_paper.py --preset rates        one method, seven rates, six endpoints
    python experiments/ferplus_paper.py --preset smoke        seconds, on drawn faces, for tests

`published`: grey values 0 to 255 as the released code feeds them; Adam 1e-4, or 1e-5 for UncNet;
the epochs whose checkpoints were evaluated; all of Training. `corrected`: standardised faces; all
methods at 1e-4; a tenth of Training, no image of which is on the other side, chooses the epoch;
*Baseline* is *UncNet* with dropout off, weight for weight, and so is *aleatoric* to *both*. Every
run stands in a folder of its own and resumes where it was stopped.

Where `published` is not the released code: a pass over Training ends in a smaller batch, which that
leaves out; probabilities are averaged over dropout passes, as in the paper, and not logits; and
*aleatoric* and *both* predict with the noise that they learn, which is a softplus and not the root
of an exponential.

Reproduces Ghandeharioun et al. (2019), https://arxiv.org/abs/1909.09285, sections 3 and 4. Their
trunk was trained on faces of CASIA-WebFace by identity; `--weights` takes the file of
any trunk, and without one it is random.
"""

import argparse
import dataclasses
import logging
import math
import pathlib
import shutil
import sys

import numpy as np

from hetero_unc.start_up import errors_in_one_line, import_quietly

keras = import_quietly("keras")

from ferplus_end_to_end import SPLITS, parts_of
from ferplus_features import Trunk, features_of
from hetero_unc.data import load_ferplus, load_synthetic_faces
from hetero_unc.data.ferplus_protocols import paper_nine_columns
from hetero_unc.inference import MonteCarloDropout, predict
from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood, VoteLikelihood
from hetero_unc.models import dropout_network, load_weights, save_weights
from hetero_unc.training import fit, open_run_folder
from hetero_unc.writing import write_atomically, write_json

METHODS = (
    "baseline", "uncnet", "aleatoric", "both", "uncnet_input_dropout", "gaussian_marginal",
    "gaussian_votes",
)  # fmt: skip
# Updates of the checkpoints that the authors evaluated, in passes over Training: their numbers
# count from 0. Learning rates are those of the same runs.
PUBLISHED = {
    "baseline": (404, 1e-4),
    "uncnet": (820, 1e-5),
    "aleatoric": (429, 1e-4),
    "both": (531, 1e-4),
}
# Evaluated with dropout off: the same weights as the other, where training is the same.
WITHOUT_PASSES = {"baseline": "uncnet", "aleatoric": "both"}
PREPROCESSINGS = {"published": "published_nearest", "corrected": "standardised"}
OTHER_INPUTS = (
    "standardised_nearest", "standardised_bicubic", "published_nearest", "published_bicubic",
)  # fmt: skip
# The authors' sweep, over pre-trained trunks and endpoints too.
LEARNING_RATES = (1e-4, 1e-3, 5e-5, 1e-5, 5e-6, 1e-2, 1e-1)
PRESETS = ("published", "corrected", "endpoints", "inputs", "rates", "smoke")
NUM_CLASSES = 9
PAPER_ENDPOINT = "Mixed_7a"

log = logging.getLogger("hetero_unc.experiments.ferplus")


@dataclasses.dataclass(frozen=True)
class PaperRun:
    """All that decides the result of one small network and its predictions.

    `features` is the digest of the features; `epochs` the number of them, or the largest where the
    validation part chooses; `patience` and `every` are counted in epochs too.
    """

    method: str
    recipe: str
    seed: int
    dataset: str
    digest: str
    features: str
    trunk: str = "random"
    preprocessing: str = "standardised"
    endpoint: str = PAPER_ENDPOINT
    protocol: str = "paper_nine_columns"
    epochs: int = 400
    chosen_by: str = "validation"
    every: int = 5
    patience: int = 25
    learning_rate: float = 1e-4
    batch_size: int = 90
    clip: float = 5.0
    dropout: float = 0.2
    loss_draws: int = 100
    passes: int = 100
    precision: str = "float32"

    @property
    def name(self):
        """Of its folder; the rest of the settings is compared when the folder is opened."""
        special = [
            value
            for value, usual in (
                (self.trunk, "random"),
                (self.endpoint, PAPER_ENDPOINT),
                (self.preprocessing, PREPROCESSINGS[self.recipe]),
                (f"rate{self.learning_rate:g}", f"rate{usual_rate(self.recipe, self.method):g}"),
            )
            if value != usual
        ]
        return "-".join([self.dataset, self.method, self.recipe, *special, f"seed{self.seed}"])


def runs_of(preset, base, seeds=5):
    """The runs of a preset, in the order in which they are of use.

    `base` are the settings that all share: dataset, digest, features and trunk.
    """
    if preset == "published":
        return [published(method, base) for method in PUBLISHED]
    if preset == "corrected":
        trained = [method for method in METHODS if method not in WITHOUT_PASSES]
        return [PaperRun(m, "corrected", seed, **base) for seed in range(seeds) for m in trained]
    if preset == "endpoints":
        return [
            PaperRun("uncnet", "corrected", 0, **base, endpoint=endpoint)
            for endpoint in Trunk.endpoints
        ]
    if preset == "inputs":
        return [
            PaperRun("uncnet", "corrected", 0, **base, preprocessing=preprocessing)
            for preprocessing in OTHER_INPUTS
        ]
    if preset == "rates":
        others = [endpoint for endpoint in Trunk.endpoints if endpoint != PAPER_ENDPOINT]
        return [
            PaperRun("uncnet", "corrected", 0, **base, endpoint=endpoint, learning_rate=rate)
            for endpoint in (PAPER_ENDPOINT, *others)
            for rate in LEARNING_RATES
        ]
    tiny = {"epochs": 3, "every": 1, "passes": 5, "loss_draws": 5}
    runs = [published(m, base) for m in ("baseline", "aleatoric")]
    runs += [PaperRun(m, "corrected", 0, **base) for m in ("uncnet", "both", "gaussian_votes")]
    return [dataclasses.replace(run, **tiny) for run in runs]


def usual_rate(recipe, method):
    """The learning rate of a method outside of a sweep over rates."""
    return PUBLISHED[method][1] if recipe == "published" else PaperRun.learning_rate


def published(method, base):
    epochs, learning_rate = PUBLISHED[method]
    return PaperRun(
        method,
        "published",
        0,
        **base,
        preprocessing=PREPROCESSINGS["published"],
        epochs=epochs,
        learning_rate=learning_rate,
        chosen_by="last",
        every=20,
    )


def compiled_model(run, width):
    """The network of the run on `width` features, its loss and its optimiser."""
    keras.config.set_dtype_policy(run.precision)
    seed = 1000 * (run.seed + 1)
    head, loss, clip = head_and_loss(run, seed)
    published_places = run.method in ("baseline", "uncnet", "aleatoric", "both")
    model = dropout_network(
        head,
        features=width,
        dropout=run.dropout,
        places="hidden" if published_places else "every_layer",
        seed=seed + 10,
    )
    model.compile(keras.optimizers.Adam(run.learning_rate, global_clipnorm=clip), loss)
    return model


def head_and_loss(run, seed):
    if run.method in ("baseline", "uncnet", "uncnet_input_dropout"):
        head = keras.layers.Dense(NUM_CLASSES, dtype="float32", name="logits")
        return head, keras.losses.CategoricalCrossentropy(from_logits=True), run.clip
    if run.method in ("aleatoric", "both"):
        # The published exponential of a log variance overflows on features of raw grey values.
        head = GaussianLogits(NUM_CLASSES, scale="shared", link="softplus", seed=seed)
        how = {"estimator": "exact"}
        if run.recipe == "published":
            how = {"estimator": "draws", "draws": run.loss_draws, "sequence": "independent"}
        return head, ExpectedCrossEntropy(seed=seed, **how), run.clip
    head = GaussianLogits(NUM_CLASSES, seed=seed)
    if run.method == "gaussian_marginal":
        return head, MarginalLikelihood(), run.clip
    # Its loss is of all ten votes of an item, and so is its gradient.
    return head, VoteLikelihood(), 10 * run.clip


def carry_out(run, data, features, folder):
    """Train and predict one run, or find it done; returns its folder."""
    config = dataclasses.asdict(run)
    with open_run_folder(folder / run.name, config) as run_folder:
        if not is_finished(run_folder):
            log.info("%s", run.name)
            parts = training_parts(run, data)
            images = features.read(run.endpoint)[:, None, None, :]
            model, chosen = train(run, data, images, parts, run_folder)
            predict_all(run, model, data, images, parts, run_folder)
            counts = {name: len(rows) for name, rows in parts.items()}
            write_json(run_folder / "parts.json", {**counts, "chosen_epoch": chosen})
    if run.recipe == "corrected":
        for method, same in WITHOUT_PASSES.items():
            if same == run.method:
                leave_without_passes(method, run, run_folder, folder)
    return run_folder


def is_finished(run_folder):
    """Whether a run left all its results; the last of them is written last."""
    return (run_folder / "parts.json").exists()


def training_parts(run, data):
    """Row numbers to train on and to choose on; the published recipe has none of the second."""
    if run.recipe == "published":
        rows = paper_nine_columns(data).rows
        return {"training": rows[data.usage[rows] == "Training"]}
    parts = parts_of(data)
    return {"training": parts.training, "validation": parts.validation}


def labels_of(run, data, rows):
    """Votes where the loss is of votes, else their shares."""
    votes = data.votes[rows, :NUM_CLASSES]
    if run.method == "gaussian_votes":
        return votes
    return (votes / votes.sum(axis=1, keepdims=True)).astype(np.float32)


def train(run, data, images, parts, run_folder):
    """Fit, a few epochs at a time; returns the model of the chosen epoch, and that epoch."""
    model = compiled_model(run, images.shape[-1])
    training = images[parts["training"]], labels_of(run, data, parts["training"])
    validation = None
    if run.chosen_by == "validation":
        validation = images[parts["validation"]], labels_of(run, data, parts["validation"])
    for epochs in [*range(run.every, run.epochs, run.every), run.epochs]:
        history = fit(
            model,
            *training,
            folder=run_folder,
            epochs=epochs,
            num_classes=NUM_CLASSES,
            batch_size=run.batch_size,
            validation_data=validation,
            validation_freq=run.every,
            seed=run.seed,
            verbose=0,
        )
        if len(history) > epochs:
            continue  # these epochs are of an earlier call, which was stopped
        best = chosen_epoch(run, history)
        log.info("  epoch %d of %d, loss %.4f, best %d", epochs, run.epochs, last(history), best)
        path = best_weights(run_folder, best)
        if not path.exists():
            save_weights(model, path)
            for older in run_folder.glob("best-*.npz"):
                if older != path:
                    older.unlink()
        if epochs - best >= run.patience:
            break
    load_weights(model, path)
    return model, best


def chosen_epoch(run, history):
    """The epoch of the smallest loss on the validation part, or the last."""
    if run.chosen_by == "last":
        return len(history)
    losses = [row.get("val_loss", math.nan) for row in history]
    return int(np.nanargmin(losses)) + 1


def best_weights(run_folder, epoch):
    return run_folder / f"best-{epoch:05d}.npz"


def last(history):
    return history[-1]["loss"]


def predict_all(run, model, data, images, parts, run_folder):
    """Write the predictions of each part, without and with dropout passes."""
    output = None if isinstance(model.layers[-1], GaussianLogits) else "logits"
    passes = MonteCarloDropout(model, passes=run.passes, output=output, seed=run.seed)
    kept = paper_nine_columns(data).rows
    rows = {name: kept[data.usage[kept] == usage] for name, usage in SPLITS.items()}
    if "validation" in parts:
        rows["validation"] = parts["validation"]
    for name, chosen in rows.items():
        once = predict(model, images[chosen], output=output, ids=chosen)
        once.save(run_folder / f"predictive-{name}-deterministic.npz")
        predictive = passes.predict(images[chosen], ids=chosen)
        predictive.save(run_folder / f"predictive-{name}.npz")


def leave_without_passes(method, run, run_folder, folder):
    """The folder of the method that is this one with dropout off: its deterministic predictions."""
    other = dataclasses.replace(run, method=method)
    with open_run_folder(folder / other.name, dataclasses.asdict(other)) as other_folder:
        if is_finished(other_folder):
            return
        predictions = sorted(run_folder.glob("predictive-*-deterministic.npz"))
        for path in [*predictions, run_folder / "history.csv", run_folder / "parts.json"]:
            with write_atomically(other_folder / path.name) as temporary:
                shutil.copyfile(path, temporary)


def trunks_of(preset, weights, side):
    """Which features a preset needs: a trunk for each preprocessing of its runs."""
    paper = (PAPER_ENDPOINT,)
    if preset == "inputs":
        return [Trunk(weights, name, paper, side) for name in OTHER_INPUTS]
    both = {
        "published": Trunk(weights, PREPROCESSINGS["published"], paper, side),
        "corrected": Trunk(weights, PREPROCESSINGS["corrected"], side=side),
    }
    return {
        "published": [both["published"]],
        "corrected": [both["corrected"]],
        "endpoints": [both["corrected"]],
        "rates": [both["corrected"]],
        "smoke": list(both.values()),
    }[preset]


def main(arguments=None):
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    smoke = options.preset == "smoke"
    if options.synthetic or smoke:
        dataset, data = "synthetic", load_synthetic_faces(300 if smoke else 6000)
    else:
        dataset, data = "ferplus", load_ferplus(options.data_dir)
    base = {"dataset": dataset, "digest": data.digest}
    if options.weights is not None:
        base["trunk"] = options.weights.stem
    weights = None if options.weights is None else str(options.weights)
    cache = options.cache or options.out / "features"
    found = {}
    for trunk in trunks_of(options.preset, weights, 75 if smoke else 160):
        log.info("features of %s: %s", trunk.preprocessing, ", ".join(trunk.endpoints))
        found[trunk.preprocessing] = features_of(data, trunk, cache, progress=sys.stdout.isatty())
    if options.stage == "features":
        return
    for run in runs_of(options.preset, {**base, "features": ""}, options.seeds):
        features = found[run.preprocessing]
        run = dataclasses.replace(run, features=features.digest)
        carry_out(run, data, features, options.out)
        keras.backend.clear_session()


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, default="corrected")
    parser.add_argument("--stage", choices=("features", "runs"), default="runs")
    parser.add_argument(
        "--data-dir",
        type=pathlib.Path,
        help="folder of fer2013.csv and fer2013new.csv; else HETERO_UNC_DATA",
    )
    parser.add_argument("--seeds", type=int, default=5, help="of the corrected recipe")
    parser.add_argument("--synthetic", action="store_true", help="use drawn faces")
    parser.add_argument(
        "--weights", type=pathlib.Path, help="file of weights of the trunk; random without one"
    )
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/ferplus"))
    parser.add_argument("--cache", type=pathlib.Path, help="folder of features; else OUT/features")
    parser.add_argument(
        "--traceback", action="store_true", help="show where an error was raised, not it alone"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    with errors_in_one_line():
        main()
