"""FER+ from the pixels: a compact network that is trained on votes, and nothing else.

Everything is chosen on a tenth of Training, kept apart in groups of identical images, because both
other parts are scored; training images that show a scored image are left out, and counted. A run
stands in a folder of its own and resumes where it was stopped. Called by `ferplus.py`.
"""

import dataclasses
import json
import logging
import pathlib
import sys

import numpy as np
from sklearn.model_selection import GroupShuffleSplit

from hetero_unc.start_up import import_quietly

keras = import_quietly("keras")

from hetero_unc.data import fer_label_to_ferplus, has_twin_in, identical_groups
from hetero_unc.data.ferplus_protocols import paper_nine_columns
from hetero_unc.inference import MonteCarloDropout, predict
from hetero_unc.layers import GaussianLogits, RandomAffine
from hetero_unc.losses import VoteLikelihood
from hetero_unc.models import averaged_over_views, compact_network
from hetero_unc.predictive import Predictive
from hetero_unc.training import fit, open_run_folder, save_model
from hetero_unc.writing import write_json

SPLITS = {"publictest": "PublicTest", "privatetest": "PrivateTest"}
SIDE = 48
# Of Training, kept apart to choose on.
VALIDATION_SHARE = 0.1

log = logging.getLogger("hetero_unc.experiments.ferplus")


@dataclasses.dataclass(frozen=True)
class CompactRun:
    """All that decides the result of one compact network and its predictions.

    `phases` are (side of the images, epochs): small images first, where an epoch costs least.
    """

    method: str
    seed: int
    dataset: str
    digest: str
    phases: tuple = ((32, 14), (40, 12), (48, 10))
    recipe: str = "end_to_end"
    protocol: str = "paper_nine_columns"
    widths: tuple = (32, 80, 160, 320)
    blocks: tuple = (0, 1, 1, 1)
    dropout: float = 0.25
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    average: float = 0.998
    passes: int = 30
    # At prediction, features are averaged over the image, turned by these degrees, and the mirror
    # image of each. Of shifts, zooms and turns, turns did best on the validation part.
    views: tuple = (-6.0, 0.0, 6.0)
    precision: str = "mixed_bfloat16"

    @property
    def name(self):
        """Of its folder; the rest of the settings is compared when the folder is opened."""
        size = "x".join(map(str, self.widths))
        return f"{self.dataset}-{self.method}-{size}-{self.epochs}epochs-seed{self.seed}"

    @property
    def epochs(self):
        return sum(epochs for _, epochs in self.phases)


@dataclasses.dataclass(frozen=True)
class Parts:
    """Row numbers for training and choosing, and how many rows were left out as twins."""

    training: np.ndarray
    validation: np.ndarray
    left_out: int


def parts_of(data, seed=0):
    """Split Training: nine tenths to train on, one to choose on, and no image on both sides.

    Rows that show the same pixels as a scored row, or as each other across the two parts, would
    make both choices and scores too good.
    """
    rows = paper_nine_columns(data).rows
    training = rows[data.usage[rows] == "Training"]
    scored = np.flatnonzero(data.usage != "Training")
    groups = identical_groups(data.images)
    twins = has_twin_in(groups, training, scored)
    kept = training[~twins]
    splitter = GroupShuffleSplit(1, test_size=VALIDATION_SHARE, random_state=seed)
    first, second = next(splitter.split(kept, groups=groups[kept]))
    return Parts(kept[first], kept[second], int(twins.sum()))


def votes_to_train_on(run, data, rows):
    """`(len(rows), 9)` counts: the votes, or the single hard label of FER as one vote."""
    if run.method == "compact_hard_labels":
        return np.eye(9, dtype=np.int64)[fer_label_to_ferplus(data.emotion[rows])]
    return data.votes[rows, :9]


def resized(images, side):
    """uint8 `(N, 48, 48, 1)` -> float32 in [0, 1] of the side, without aliasing."""
    parts = []
    for part in np.array_split(images, -(-len(images) // 4096)):
        scaled = part.astype(np.float32) / 255
        if side != part.shape[1]:
            scaled = keras.ops.convert_to_numpy(
                keras.ops.image.resize(scaled, (side, side), antialias=True)
            )
        parts.append(np.clip(scaled, 0, 1))
    return np.concatenate(parts)


def compiled_model(run, steps):
    keras.config.set_dtype_policy(run.precision)
    seed = 1000 * (run.seed + 1)
    model = compact_network(
        GaussianLogits(9, seed=seed),
        widths=run.widths,
        blocks=run.blocks,
        dropout=run.dropout,
        augmentation=[RandomAffine(seed=seed + 100, dtype="float32")],
        seed=seed + 10,
    )
    warmup = max(1, steps // 20)
    schedule = keras.optimizers.schedules.CosineDecay(
        run.learning_rate / 20,
        max(1, steps - warmup),
        warmup_target=run.learning_rate,
        warmup_steps=warmup,
    )
    optimiser = keras.optimizers.AdamW(
        schedule,
        weight_decay=run.weight_decay,
        global_clipnorm=20.0,
        use_ema=True,
        ema_momentum=run.average,
    )
    model.compile(optimiser, VoteLikelihood())
    return model


def carry_out(run, data, folder, *, watch=True):
    """Train and predict one run, or find it done; returns its folder."""
    config = json.loads(json.dumps(dataclasses.asdict(run)))
    with open_run_folder(pathlib.Path(folder) / run.name, config) as run_folder:
        if not is_finished(run_folder):
            log.info("%s", run.name)
            parts = parts_of(data)
            model = train(run, data, parts, run_folder, watch=watch)
            predict_all(run, model, data, parts, run_folder)
            write_json(
                run_folder / "parts.json",
                {
                    "training": len(parts.training),
                    "validation": len(parts.validation),
                    "left_out": parts.left_out,
                },
            )
    return run_folder


def is_finished(run_folder):
    names = [f"predictive-{part}.npz" for part in ("validation", *SPLITS)]
    return all((pathlib.Path(run_folder) / name).exists() for name in (*names, "parts.json"))


def train(run, data, parts, run_folder, *, watch):
    """Fit phase after phase; returns the model that predicts, with the average of its weights."""
    votes = votes_to_train_on(run, data, parts.training)
    per_epoch = -(-len(votes) // run.batch_size)
    model = compiled_model(run, run.epochs * per_epoch)
    done = 0
    for side, epochs in run.phases:
        done += epochs
        validation = None
        if watch:
            validation = (
                resized(data.images[parts.validation], side),
                data.votes[parts.validation, :9],
            )
        fit(
            model,
            resized(data.images[parts.training], side),
            votes,
            folder=run_folder,
            epochs=done,
            num_classes=9,
            batch_size=run.batch_size,
            validation_data=validation,
            seed=run.seed,
            verbose=1 if sys.stdout.isatty() else 2,
        )
    # A run that was found trained has the last weights, not yet their average.
    model.optimizer.finalize_variable_values(model.trainable_variables)
    model = averaged_over_views(model, angles=run.views)
    save_model(model, run_folder / "model.keras")
    return model


def predict_all(run, model, data, parts, run_folder):
    """Write the predictions of each part, without and with dropout passes."""
    passes = MonteCarloDropout(model, passes=run.passes, seed=run.seed)
    kept = paper_nine_columns(data).rows
    rows = {"validation": parts.validation}
    for name, usage in SPLITS.items():
        rows[name] = kept[data.usage[kept] == usage]
    for name, chosen in rows.items():
        # Of the side that it was trained on last: features of faces do not keep across sizes.
        images = resized(data.images[chosen], run.phases[-1][0])
        once = predict(model, images, ids=chosen)
        once.save(run_folder / f"predictive-{name}-deterministic.npz")
        passes.predict(images, ids=chosen).save(run_folder / f"predictive-{name}.npz")


def balance(run, data, run_folder, folder):
    """Leave the run's predictions with each class as likely beforehand as any other.

    Logit adjustment (Menon et al., 2021, equation 8, tau = 1): probabilities over the share of the
    class among training votes, and normalised. The probabilities no longer say how people vote;
    the decisions favour no class for being frequent. Of the noise of the logits nothing is kept, so
    that the predicted disagreement is that of the probabilities alone.
    """
    parts = parts_of(data)
    prior = votes_to_train_on(run, data, parts.training).sum(axis=0)
    changed = dataclasses.replace(run, method="compact_balanced")
    config = json.loads(json.dumps(dataclasses.asdict(changed)))
    with open_run_folder(pathlib.Path(folder) / changed.name, config) as balanced:
        for path in sorted(pathlib.Path(run_folder).glob("predictive-*.npz")):
            predictive = Predictive.load(path)
            weighted = predictive.probabilities.astype(np.float64) / prior
            weighted /= weighted.sum(axis=-1, keepdims=True)
            Predictive(weighted, ids=predictive.ids).save(balanced / path.name)
        for name in ("parts.json", "history.csv"):
            (balanced / name).write_bytes((pathlib.Path(run_folder) / name).read_bytes())
    return balanced
