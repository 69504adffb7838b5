"""A small model in which all that could make a resumed run differ is at work, and its training."""

import keras
import numpy as np
import pytest
from keras import layers

from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import MarginalLikelihood
from hetero_unc.training import LocAccuracy, fit

ITEMS, CLASSES, BATCH = 22, 3, 5
STEPS = 5  # batches a pass: four of five and one of two


@pytest.fixture(scope="session")
def small_model():
    """`small_model(loss, optimizer, units)`: dropout, augmentation, moments, a schedule."""
    return build_small_model


@pytest.fixture(scope="session")
def train():
    """`train(folder, epochs, built, ...)`: history and model, of 22 images in three classes."""
    return train_small_model


def build_small_model(loss=None, optimizer=None, units=8):
    kernel = keras.initializers.GlorotUniform(1)
    built = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.RandomFlip(seed=2),
            layers.Flatten(),
            layers.Dense(units, activation="relu", kernel_initializer=kernel),
            layers.BatchNormalization(),
            layers.Dropout(0.3, seed=3),
            GaussianLogits(CLASSES, seed=4),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(0.05, 4 * STEPS)
    built.compile(
        optimizer or keras.optimizers.Adam(schedule),
        loss or MarginalLikelihood(10, seed=5),
        metrics=[LocAccuracy(name="accuracy")],
    )
    return built


def train_small_model(folder, epochs=4, built=None, **kwargs):
    built = built or build_small_model()
    arguments = {
        "folder": folder,
        "epochs": epochs,
        "num_classes": CLASSES,
        "batch_size": BATCH,
        "verbose": 0,
        "seed": 7,
        **kwargs,
    }
    given = {
        "images": np.random.default_rng(0).random((ITEMS, 4, 4, 1), dtype=np.float32),
        "labels": np.random.default_rng(1).integers(0, CLASSES, ITEMS),
    }
    given |= {name: arguments.pop(name) for name in given if name in arguments}
    return fit(built, given["images"], given["labels"], **arguments), built
