"""Which loss learns the votes? Gaussian heads on one set of features, that of the compact network.

The features stay as they are, so that what differs between two heads is their loss alone. Each is
trained on the rows that the network was trained on, with dropout, and the epoch is chosen by the
likelihood of the votes of the validation part. Called by `ferplus.py`.
"""

import dataclasses
import json
import logging
import pathlib

import numpy as np

from hetero_unc.start_up import import_quietly

keras = import_quietly("keras")

from ferplus_end_to_end import SIDE, SPLITS, Parts, resized
from hetero_unc.data.ferplus_protocols import paper_nine_columns
from hetero_unc.inference import predict
from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood, VoteLikelihood
from hetero_unc.models import load_weights, save_weights
from hetero_unc.training import fit, open_run_folder
from hetero_unc.writing import write_json

# The blog's loss under the name of the paper's head that was trained with it.
LOSSES = {
    "gaussian_votes": VoteLikelihood,
    "gaussian_marginal": MarginalLikelihood,
    "aleatoric": ExpectedCrossEntropy,
}

log = logging.getLogger("hetero_unc.experiments.ferplus")


@dataclasses.dataclass(frozen=True)
class HeadRun:
    """All that decides the result of one head on the features of `trunk`, a run's name."""

    method: str
    seed: int
    dataset: str
    digest: str
    trunk: str
    recipe: str = "compact_features"
    endpoint: str = "compact_network"
    protocol: str = "paper_nine_columns"
    epochs: int = 20
    every: int = 4
    batch_size: int = 128
    learning_rate: float = 1e-3
    dropout: float = 0.25
    precision: str = "float32"

    @property
    def name(self):
        return f"{self.trunk}-head-{self.method}-seed{self.seed}"


def carry_out(run, features, data, parts, folder):
    """Train and predict one head on features, a `FeatureReader`, or find it done."""
    config = json.loads(json.dumps(dataclasses.asdict(run)))
    with open_run_folder(pathlib.Path(folder) / run.name, config) as run_folder:
        if not (run_folder / "parts.json").exists():
            log.info("%s", run.name)
            head, best = train(run, features, data, parts, run_folder)
            kept = paper_nine_columns(data).rows
            rows = {"validation": parts.validation}
            rows |= {name: kept[data.usage[kept] == usage] for name, usage in SPLITS.items()}
            for name, chosen in rows.items():
                predictive = predict(head, features(chosen), ids=chosen)
                predictive.save(run_folder / f"predictive-{name}-deterministic.npz")
            write_json(run_folder / "parts.json", {"chosen_epoch": best})
    return run_folder


class FeatureReader:
    """Features of some rows, as the network's own head reads them; computed once for all heads."""

    def __init__(self, model, data):
        self.body = keras.Model(model.input, model.get_layer("features").output)
        self.data = data
        self.known = {}

    def __call__(self, rows):
        """float32 `(len(rows), 1, 1, F)`."""
        key = rows.tobytes()
        if key not in self.known:
            images = resized(self.data.images[rows], SIDE)
            features = self.body.predict(images, batch_size=256, verbose=0)
            self.known[key] = np.asarray(features, np.float32)[:, None, None, :]
        return self.known[key]


def train(run, features, data, parts: Parts, run_folder):
    """Fit a few epochs at a time; returns the head of the best look, and its epoch."""
    keras.config.set_dtype_policy(run.precision)
    seed = 1000 * (run.seed + 1)
    training, validation = features(parts.training), features(parts.validation)
    head = keras.Sequential(
        [
            keras.Input(training.shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dropout(run.dropout, seed=seed),
            # The name stands in the file of weights: one that Keras counts differs between calls.
            GaussianLogits(9, seed=seed, name="logits"),
        ]
    )
    per_epoch = -(-len(training) // run.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(run.learning_rate, run.epochs * per_epoch)
    head.compile(keras.optimizers.Adam(schedule), LOSSES[run.method]())
    votes = data.votes[:, :9]
    counts = votes[parts.training]
    shares = counts / counts.sum(axis=1, keepdims=True)
    labels = counts if run.method == "gaussian_votes" else shares
    judge = VoteLikelihood()
    path = run_folder / "scores.json"
    scores = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    scores = {int(epoch): score for epoch, score in scores.items()}
    for epoch in range(run.every, run.epochs + 1, run.every):
        if epoch in scores:
            continue  # looked at by an earlier call, which was stopped
        fit(
            head,
            training,
            labels,
            folder=run_folder,
            epochs=epoch,
            num_classes=9,
            batch_size=run.batch_size,
            seed=run.seed,
            verbose=0,
        )
        parameters = head.predict(validation, batch_size=1024, verbose=0)
        scores[epoch] = float(judge(votes[parts.validation], parameters))
        if scores[epoch] == min(scores.values()):
            save_weights(head, run_folder / "best.npz")
        write_json(path, scores)
    load_weights(head, run_folder / "best.npz")
    return head, min(scores, key=scores.get)
