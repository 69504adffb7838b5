"""Two replicas of `tf.distribute.MirroredStrategy`, on two logical CPUs.

Logical devices must be configured before TensorFlow starts, so everything runs in one process of
its own: this file as a script, whose findings come back as JSON.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from hetero_unc.gaussian import draw_logits
from hetero_unc.inference import set_pass, with_monte_carlo_dropout
from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood
from hetero_unc.training import fit

pytestmark = pytest.mark.slow
ROOT = pathlib.Path(__file__).parents[2]
LOSSES = {"expected": ExpectedCrossEntropy, "marginal": MarginalLikelihood}
DRAWS, UNITS = 2000, 400


def images_and_labels():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 48)
    return (rng.random((48, 4, 4, 1)) + labels[:, None, None, None]).astype("float32"), labels


def train(loss_class, resumed):
    """`hetero_unc.training.fit` within the strategy's scope, resumed once if asked."""
    images, labels = images_and_labels()

    def part(folder, epochs):
        model = keras.Sequential(
            [
                keras.Input((4, 4, 1)),
                layers.Flatten(),
                layers.Dropout(0.2, seed=1),
                GaussianLogits(3, seed=2),
            ]
        )
        model.compile(keras.optimizers.Adam(0.05), loss_class(20, seed=3))
        history = fit(
            model, images, labels, folder=folder, epochs=epochs, num_classes=3, batch_size=12,
            verbose=0,
        )  # fmt: skip
        return [row["loss"] for row in history], model

    with tempfile.TemporaryDirectory() as folder:
        first, model = part(folder, 4)
        whole = first
        if resumed:
            whole, model = part(folder, 5)
    return first, whole, training_masks_agree(model)


def training_masks_agree(model):
    """Share of units on which the dropout of both replicas agrees, when both hold equal inputs."""
    drop, ones = model.layers[1], tf.ones((2, UNITS))
    kept = tf.distribute.get_strategy().run(tf.function(lambda: drop(ones, training=True)))
    one, other = (mask.numpy() > 0 for mask in kept.values)
    return float((one == other).mean())


def noise_of_replicas(strategy):
    """The standard Normals of both replicas for one and the same parameters, all 0 and 1."""
    parameters = tf.stack([tf.zeros((4, 3)), tf.ones((4, 3))], axis=-1)
    drawn = strategy.run(tf.function(lambda: draw_logits(parameters, DRAWS, seed=0)))
    return [noise.numpy() for noise in strategy.experimental_local_results(drawn)]


def masks_of_replicas(strategy, masks):
    """Which units dropout kept in each replica."""
    model = keras.Sequential([keras.Input((UNITS,)), layers.Dropout(0.5, seed=1)])
    stochastic = with_monte_carlo_dropout(model, masks=masks, seed=2)
    set_pass(stochastic, 0)
    kept = strategy.run(tf.function(lambda: stochastic(tf.ones((2, UNITS)), training=False)))
    return [mask.numpy() > 0 for mask in strategy.experimental_local_results(kept)]


def find():
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        one, other = noise_of_replicas(strategy)
        masks = {kind: masks_of_replicas(strategy, kind) for kind in ("per_item", "per_pass")}
        return {
            "replicas": strategy.num_replicas_in_sync,
            "losses": {
                name: train(loss_class, resumed=name == "marginal")
                for name, loss_class in LOSSES.items()
            },
            "correlation": float(np.abs((one * other).mean(axis=0)).max()),
            "moments": [float(np.mean(one)), float(np.mean(other)), float(np.mean(one**2))],
            "agreement": {
                kind: float((first == second).mean()) for kind, (first, second) in masks.items()
            },
            "items_share": {
                kind: bool((first[0] == first[1]).all()) for kind, (first, _) in masks.items()
            },
        }


@pytest.fixture(scope="module")
def found():
    result = subprocess.run(
        [sys.executable, __file__],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_there_are_two_replicas(found):
    assert found["replicas"] == 2


@pytest.mark.parametrize("name", LOSSES)
def test_training_works_and_resumes(found, name):
    first, resumed, _ = found["losses"][name]
    assert len(first) == 4
    assert resumed[:4] == first
    assert len(resumed) == (5 if name == "marginal" else 4)
    assert resumed[-1] < 0.8 * first[0]


def test_replicas_draw_other_noise_for_the_same_parameters(found):
    assert found["correlation"] < 5 / DRAWS**0.5
    assert found["moments"] == pytest.approx([0, 0, 1], abs=5 * (2 / (12 * DRAWS)) ** 0.5)


@pytest.mark.parametrize("name", LOSSES)
def test_replicas_train_on_other_masks(found, name):
    # Two masks that keep 0.8 each agree on 0.8^2 + 0.2^2 of the units.
    *_, agreement = found["losses"][name]
    assert agreement == pytest.approx(0.68, abs=5 * (0.68 * 0.32 / (2 * UNITS)) ** 0.5)


@pytest.mark.parametrize("masks", ["per_item", "per_pass"])
def test_replicas_drop_other_units(found, masks):
    if masks == "per_pass":
        # One mask for all items of a pass, whichever replica they are on.
        assert found["agreement"][masks] == 1
    else:
        assert found["agreement"][masks] == pytest.approx(0.5, abs=5 * 0.5 / (2 * UNITS) ** 0.5)
    assert found["items_share"][masks] == (masks == "per_pass")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(find()))
