"""Training and prediction of one run of `mnist.py`."""

import sys

import keras

from hetero_unc.data import flip_labels_within_pairs
from hetero_unc.inference import MonteCarloDropout, predict
from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood
from hetero_unc.models import small_cnn
from hetero_unc.training import LocAccuracy, fit, save_model

__all__ = ["predict_all", "train"]

NUM_CLASSES = 10
PARAMETERS = {"softmax": 3_274_634, "gaussian": 3_284_884}  # of the published network


def train(run, dataset, run_folder):
    """Fit the run's network; return its history and the model, saved as `model.keras`."""
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
    """Save predictions with and without passes, of the test set and of clothes in its place."""
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
