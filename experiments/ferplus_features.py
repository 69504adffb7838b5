"""Features of FER+ from Inception-ResNet-v1, computed once for all runs on them.

    features = features_of(data, Trunk(), folder)
    features.read("Mixed_7a")             (35,887, 1792) on FER+, in the order of its rows

A trunk without trained weights is random, and normalises by the statistics of training images: else
its features would hardly differ between images. Called by `ferplus_paper.py`.
"""

import dataclasses
import logging
import pathlib

import numpy as np

from hetero_unc.start_up import import_quietly

keras = import_quietly("keras")

from hetero_unc.inference import cached_features
from hetero_unc.models import (
    ENDPOINTS,
    endpoint_features,
    estimate_batch_statistics,
    face_preprocessing,
    inception_resnet_v1,
    load_weights,
    save_weights,
)

# Training images whose statistics a random trunk takes.
NORMALISED_ON = 1024

log = logging.getLogger("hetero_unc.experiments.ferplus")


@dataclasses.dataclass(frozen=True)
class Trunk:
    """All that decides the features of given images.

    `weights` is a file from `hetero_unc.models.save_weights`, or None for a random trunk of `seed`.
    """

    weights: str | None = None
    preprocessing: str = "standardised"
    endpoints: tuple = ENDPOINTS
    side: int = 160
    seed: int = 0


def features_of(data, trunk, folder, *, batch_size=64, progress=False):
    """`CachedFeatures` of all images of `data`, an output for each endpoint."""
    folder = pathlib.Path(folder)
    network = network_of(data, trunk, folder)
    faces = face_preprocessing(trunk.preprocessing, size=trunk.side)
    features = endpoint_features(network, trunk.endpoints)
    model = keras.Model(faces.inputs[0], features(faces.outputs[0]), name="features")
    # Half precision: eleven bits of a mean over at least nine places, at half the space.
    return cached_features(
        model, data.images, folder, batch_size=batch_size, stored="float16", progress=progress
    )


def network_of(data, trunk, folder):
    """The network with its weights; those of a random trunk are kept in `folder` too."""
    network = inception_resnet_v1((trunk.side, trunk.side, 3), seed=trunk.seed, dtype="float32")
    if trunk.weights is not None:
        load_weights(network, trunk.weights)
        return network
    name = f"random-trunk-{data.digest[:8]}-seed{trunk.seed}-side{trunk.side}.npz"
    if not (folder / name).exists():
        log.info("normalising a random trunk by %d training images", NORMALISED_ON)
        training = np.random.default_rng(trunk.seed).permutation(data.rows_of("Training"))
        chosen = data.images[training[:NORMALISED_ON]].astype(np.float32)
        faces = face_preprocessing(size=trunk.side).predict(chosen, verbose=0)
        estimate_batch_statistics(network, faces)
        save_weights(network, folder / name)
    load_weights(network, folder / name)
    return network
