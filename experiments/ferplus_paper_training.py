"""Training and prediction of one run of `ferplus_paper.py`."""

import logging
import math

import keras
import numpy as np

from ferplus_end_to_end import SPLITS, parts_of
from hetero_unc.data.ferplus_protocols import paper_nine_columns
from hetero_unc.inference import MonteCarloDropout, predict
from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood, VoteLikelihood
from hetero_unc.models import dropout_network, load_weights, save_weights
from hetero_unc.training import fit

__all__ = ["compiled_model", "labels_of", "predict_all", "train", "training_parts"]

NUM_CLASSES = 9

log = logging.getLogger("hetero_unc.experiments.ferplus")


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
    # The name stands in the file of weights: one that Keras counts differs between processes.
    if run.method in ("baseline", "uncnet", "uncnet_input_dropout"):
        head = keras.layers.Dense(NUM_CLASSES, dtype="float32", name="logits")
        return head, keras.losses.CategoricalCrossentropy(from_logits=True), run.clip
    if run.method in ("aleatoric", "both"):
        # The published exponential of a log variance overflows on features of raw grey values.
        head = GaussianLogits(
            NUM_CLASSES, scale="shared", link="softplus", seed=seed, name="logits"
        )
        how = {"estimator": "exact"}
        if run.recipe == "published":
            how = {"estimator": "draws", "draws": run.loss_draws, "sequence": "independent"}
        return head, ExpectedCrossEntropy(seed=seed, **how), run.clip
    head = GaussianLogits(NUM_CLASSES, seed=seed, name="logits")
    if run.method == "gaussian_marginal":
        return head, MarginalLikelihood(), run.clip
    # Its loss is of all ten votes of an item, and so is its gradient.
    return head, VoteLikelihood(), 10 * run.clip


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
