"""Which part of a network's doubt moves when labels are spoilt, and which when data is scarce?

Question: label noise should raise aleatoric doubt and leave epistemic doubt alone; fewer training
images should do the reverse. How much of the movement lands in the wrong part? Asked
of a small network with dropout, under two heads, on drawn faces whose true ambiguity is known.

    python experiments/leak_test.py         runs/leak_test/leak_test.json

**What is trained.** Three convolutions, then two layers with dropout before each. `softmax`: a
dense layer, cross-entropy with the shares of the votes. `gaussian_votes`: Gaussian logits, the
likelihood of the votes. Every training takes as many steps, whatever the number of images, so that
the smallest set is seen eight times as often: what over-fitting does to the parts is in the answer.

**With a model of your own**, `hetero_unc.metrics.leak_test(fit, predict, inputs, labels,
test_inputs)` does the same: `fit` and `predict` below show all that they have to be.

`run(settings, folder)` writes `folder/leak_test.json` and returns the same dict. L noise rates, M
sizes, S seeds, all means over the upright faces of both scored parts, in nats:

    settings, versions, source  what was run
    noise_rates                 [L]
    sizes                       [M] training images
    true_aleatoric              [L] mean entropy of the shares behind the votes, noise included
    softmax                     what this head's doubt did, and the same for the other one:
    gaussian_votes
        aleatoric_by_noise      [L][S]
        epistemic_by_noise      [L][S]
        aleatoric_by_size       [M][S]
        epistemic_by_size       [M][S]
        change                  part and cause -> [estimate, low, high], first to last level, 95 %
        leak                    cause -> share of the movement that the wrong part made, 0..1
        rank_correlation        [S] of the two parts over the images, before anything is spoilt
"""

import argparse
import dataclasses
import functools
import json
import logging
import pathlib

import numpy as np

from hetero_unc.start_up import import_quietly

keras = import_quietly("keras")

from hetero_unc.data import load_synthetic_faces
from hetero_unc.inference import predict_passes
from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import VoteLikelihood
from hetero_unc.metrics import entropy, leak_test, noisy_shares, vote_shares
from hetero_unc.writing import write_json

HEADS = ("softmax", "gaussian_votes")
NUM_CLASSES = 9


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides the result; `epochs` are passes over all training images."""

    items: int = 6000
    seeds: tuple[int, ...] = (0, 1, 2)
    noise_rates: tuple[float, ...] = (0.0, 0.2, 0.4)
    size_shares: tuple[float, ...] = (1.0, 0.5, 0.125)
    width: int = 8
    dropout: float = 0.2
    epochs: int = 8
    batch_size: int = 64
    learning_rate: float = 5e-3
    passes: int = 20


SMOKE = Settings(
    items=400, seeds=(0,), noise_rates=(0.0, 0.4), size_shares=(1.0, 0.25), epochs=1, passes=5
)


def network(settings, head, seed):
    """Faces `(N, 48, 48, 1)` in [0, 1] -> class probabilities, or Gaussian logits."""
    layers = keras.layers

    def seeded(number):
        return 100 * (seed + 1) + number

    def kernel(number):
        return keras.initializers.HeNormal(seeded(number))

    def convolution(number, width, size):
        options = {"padding": "same", "use_bias": False, "kernel_initializer": kernel(number)}
        return [
            layers.Conv2D(width, size, 2, **options),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
        ]

    last = {
        "softmax": layers.Dense(NUM_CLASSES, "softmax", kernel_initializer=kernel(4)),
        "gaussian_votes": GaussianLogits(NUM_CLASSES, seed=seeded(4)),
    }
    return keras.Sequential(
        [
            keras.Input((48, 48, 1), name="image"),
            layers.Rescaling(4.0, offset=-2.0),
            *convolution(0, settings.width, 5),
            *convolution(1, 2 * settings.width, 3),
            *convolution(2, 2 * settings.width, 3),
            layers.Flatten(),
            layers.Dropout(settings.dropout, seed=seeded(5)),
            layers.Dense(64, "relu", kernel_initializer=kernel(3)),
            layers.Dropout(settings.dropout, seed=seeded(6)),
            last[head],
        ]
    )


def fit(images, votes, seed, *, settings, head):
    """Train one network from the start, as many steps as `settings` give all training images."""
    rng = np.random.default_rng(seed)
    steps = max(1, settings.epochs * settings.items * 4 // 5 // settings.batch_size)
    targets = votes if head == "gaussian_votes" else vote_shares(votes)
    targets = targets.astype("float32")

    def batches():
        while True:
            order = rng.permutation(len(images))
            for start in range(0, len(order) - settings.batch_size + 1, settings.batch_size):
                rows = order[start : start + settings.batch_size]
                yield images[rows], targets[rows]

    model = network(settings, head, seed)
    loss = VoteLikelihood() if head == "gaussian_votes" else keras.losses.CategoricalCrossentropy()
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    model.compile(keras.optimizers.Adam(rate), loss)
    model.fit(batches(), steps_per_epoch=steps, shuffle=False, verbose=0)
    return model


def predict(model, images, *, settings):
    """Class probabilities of each dropout pass, `(P, N, 9)`."""
    return predict_passes(model, images, passes=settings.passes).probabilities


def as_pixels(images):
    """uint8 0 to 255 -> float32 in [0, 1]."""
    return images / np.float32(255)


def run(settings, folder):
    """Train everything; write `folder/leak_test.json` and return the same dict."""
    faces = load_synthetic_faces(settings.items)
    training = faces.rows_of("Training")
    scored = np.flatnonzero((faces.usage != "Training") & ~faces.rare)
    shares = faces.true_shares[scored]
    result = {
        "settings": dataclasses.asdict(settings),
        "versions": {"keras": keras.__version__, "backend": keras.backend.backend()},
        "source": faces.source,
        "noise_rates": list(settings.noise_rates),
        "sizes": [round(share * len(training)) for share in settings.size_shares],
        "true_aleatoric": [
            float(entropy(noisy_shares(shares, rate)).mean()) for rate in settings.noise_rates
        ],
    }
    for head in HEADS:
        found = leak_test(
            functools.partial(fit, settings=settings, head=head),
            functools.partial(predict, settings=settings),
            as_pixels(faces.images[training]),
            faces.votes[training, :NUM_CLASSES],
            as_pixels(faces.images[scored]),
            noise_rates=settings.noise_rates,
            size_shares=settings.size_shares,
            seeds=settings.seeds,
        )
        result[head] = _as_json(found)
    write_json(pathlib.Path(folder) / "leak_test.json", result)
    return result


def run_once(settings, folder):
    """`run`, unless `folder/leak_test.json` is of the same settings already."""
    path = pathlib.Path(folder) / "leak_test.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    # Through JSON, which knows no tuples.
    if found.get("settings") != json.loads(json.dumps(dataclasses.asdict(settings))):
        return run(settings, folder)
    return found


def _as_json(found):
    changes = {}
    for cause in ("noise", "size"):
        for part in ("aleatoric", "epistemic"):
            change = found.change(part, cause)
            ends = (change.low, change.high) if np.isfinite(change.low) else (None, None)
            changes[f"{part}_by_{cause}"] = [change.estimate, *ends]
    return {
        **{name: getattr(found, name).tolist() for name in changes},
        "change": changes,
        "leak": {cause: found.leak(cause) for cause in ("noise", "size")},
        "rank_correlation": found.rank_correlation.tolist(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--preset", choices=("full", "smoke"), default="full")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/leak_test"))
    options = parser.parse_args()
    # Each network is a model of its own, which TensorFlow takes for one traced again and again.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    result = run(SMOKE if options.preset == "smoke" else Settings(), options.out)

    def shown(values):
        return " ".join(f"{np.mean(value):7.3f}" for value in values)

    print("nats".ljust(30), *(f"{rate:7.1f}" for rate in result["noise_rates"]), "  label noise")
    print("true aleatoric".ljust(30), shown(result["true_aleatoric"]))
    for head in HEADS:
        for part in ("aleatoric", "epistemic"):
            print(f"{head} {part}".ljust(30), shown(result[head][f"{part}_by_noise"]))
    print("".ljust(30), *(f"{size:7d}" for size in result["sizes"]), "  training images")
    for head in HEADS:
        for part in ("aleatoric", "epistemic"):
            print(f"{head} {part}".ljust(30), shown(result[head][f"{part}_by_size"]))
    for head in HEADS:
        leak, correlation = result[head]["leak"], np.mean(result[head]["rank_correlation"])
        print(
            f"{head}: noise into epistemic {leak['noise']:.2f}, size into aleatoric "
            f"{leak['size']:.2f} of the movement; rank correlation of the parts {correlation:.2f}"
        )
    print(options.out / "leak_test.json")


if __name__ == "__main__":
    main()
