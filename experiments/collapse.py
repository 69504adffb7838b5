"""Which loss learns the scale? Labels that contradict at a known rate, both losses, same start.

Question: where the labels of an item contradict each other, does the scale of Gaussian logits say
so? Under the expected cross-entropy (Reasonable Doubt, 2018) and under the marginal likelihood
(Kendall and Gal, 2017), from the same weights, for as many steps.

    python experiments/collapse.py          half a minute on two idle cores; runs/collapse/

Numbers to expect: all start at a scale of 0.75. The marginal likelihood moves it to 0.3 where the
labels agree and to about 5 where half of them contradict, rising from rate to rate, and the
predicted rates follow the true ones. The expected cross-entropy moves it below 0.02 at every rate
and predicts one average rate, about 0.25, for all.

**The data.** Three classes are three discs of the plane, so position decides the class. Labels come
from six sources; source s names the next class with the known rate r_s, 0 to 0.5, whatever the
item. Each row holds the shares (1 - r_s, r_s) of an item's labels: for both losses the same as that
many integer labels of one item.

**The network, and why its scale is identified.** Position goes through a hidden layer; the source
joins at the head, which is linear. A loc can then add something for a source, but it cannot narrow
the gap between each item's class and the next one, for that is a product of position and source; a
scale that rises with the source does it for every item at once. So the rate has one place to go.

**Where loc can say it as well** (`loc_sees_the_rate`: position and source both before the hidden
layers), a gap of log((1 - r) / r) without noise and a wide gap with much noise give the same
probabilities, hence the same likelihood. The probabilities are learned and the scale is not: it
ends at 0.01 from a start of 0.05 and near 1 from a start of 3.1, with predicted rates alike. From
the same high start and one seed the mean ends at 0.01 with 20 draws and at 2.7 with 1000,
so most of that fall is the price of finitely many draws. A learned scale is evidence of
contradiction only where loc cannot express the rate.

`run(settings, folder)` writes `folder/collapse.json` and returns the same dict. All numbers are
plain floats, all axes are lists; S seeds, R rates, E recorded epochs, G points of the curve:

    settings, versions         dicts
    seeds                      [S] int
    rates                      [R] true share of the contradicting label, 0..0.5
    initial_scale              mean scale before the first step
    expected_cross_entropy     what this loss learned, and the same for the other loss:
    marginal_likelihood
        scale_mean             [R] mean scale of the items of a rate, mean over seeds
        scale_sd               [R] its standard deviation over seeds
        probability_mean       [R] predicted probability of the contradicting class (true: `rates`)
        probability_sd         [R] its standard deviation over seeds
        loss_mean, loss_sd     final training loss in nats, over seeds
        trajectory
            epoch              [E] int, 0 is before training; an epoch is `steps_per_epoch` steps
            scale              [E] mean scale over all items and seeds
            scale_by_rate      [R][E] the same for the items of each rate
    loc_sees_the_rate          {"small_start": {...}, "large_start": {...}}, each as above and with
                               its own initial_scale; marginal likelihood only
    smallest_possible_loss     mean entropy of the label shares in nats: no forecast does better
    curve                      loc = (3, 0, 0), one scale for all three classes, by quadrature
        scale                  [G]
        right, wrong           {expected_cross_entropy: [G], marginal_likelihood: [G]} in nats, for
                               the label that loc prefers and for one that it does not
"""

import argparse
import dataclasses
import logging
import pathlib

import numpy as np

from hetero_unc.start_up import import_quietly

keras = import_quietly("keras")

from collapse_curve import curve
from hetero_unc.gaussian import split_parameters
from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood
from hetero_unc.writing import write_json

LOSSES = {"expected_cross_entropy": ExpectedCrossEntropy, "marginal_likelihood": MarginalLikelihood}
NUM_CLASSES = 3


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides the result. `*_start` are biases of the scale before its softplus."""

    seeds: tuple[int, ...] = (0, 1, 2)
    rates: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    items_per_class: int = 10
    width: int = 32
    draws: int = 100
    epochs: int = 15
    steps_per_epoch: int = 20
    learning_rate: float = 0.03
    small_start: float = -3.0
    large_start: float = 3.0


SMOKE = Settings(seeds=(0,), items_per_class=5, draws=50, epochs=4)


def contradictory_labels(settings, seed):
    """Positions in the plane, one-hot sources and label shares of items in three discs.

    Returns
    -------
    inputs : tuple of float32 arrays, shapes (N, 2) and (N, R)
        N = R * 3 * items_per_class, ordered by source, then class.
    shares : float32 array, shape (N, 3)
    """
    rng = np.random.default_rng(seed)
    sources = len(settings.rates)
    true = np.tile(np.repeat(np.arange(NUM_CLASSES), settings.items_per_class), sources)
    source = np.repeat(np.arange(sources), NUM_CLASSES * settings.items_per_class)
    centre = 2 * np.pi * true / NUM_CLASSES
    radius, angle = 0.5 * np.sqrt(rng.random(len(true))), 2 * np.pi * rng.random(len(true))
    position = np.stack(
        [np.cos(centre) + radius * np.cos(angle), np.sin(centre) + radius * np.sin(angle)], axis=1
    )
    rate = np.asarray(settings.rates)[source][:, None]
    classes = np.eye(NUM_CLASSES)
    shares = (1 - rate) * classes[true] + rate * classes[(true + 1) % NUM_CLASSES]
    inputs = position.astype("float32"), np.eye(sources, dtype="float32")[source]
    return inputs, shares.astype("float32")


def network(settings, seed, *, loc_sees_the_rate=False, start=0.0):
    """Position `(N, 2)` and source `(N, R)` -> Gaussian logits `(N, 3, 2)`."""

    def hidden(features, number):
        initializer = keras.initializers.GlorotUniform(seed=100 * (seed + 1) + number)
        dense = keras.layers.Dense(settings.width, "relu", kernel_initializer=initializer)
        return dense(features)

    position, source = keras.Input((2,)), keras.Input((len(settings.rates),))
    if loc_sees_the_rate:
        features = hidden(hidden(keras.layers.Concatenate()([position, source]), 0), 1)
    else:
        features = keras.layers.Concatenate()([hidden(position, 0), source])
    head = GaussianLogits(NUM_CLASSES, seed=100 * (seed + 1) + 50)
    model = keras.Model([position, source], head(features))
    head.heads["scale"].bias.assign(np.full(NUM_CLASSES, start, "float32"))
    return model


def train(settings, loss, seed, **choices):
    """Fit one network; return its scales by epoch and rate, and what it predicts at the end."""
    inputs, shares = contradictory_labels(settings, seed)
    model = network(settings, seed, **choices)
    # By draws, as the expected cross-entropy was published, and both alike.
    loss = loss(draws=settings.draws, estimator="draws", sequence="independent", seed=seed)
    model.compile(keras.optimizers.Adam(settings.learning_rate), loss)

    def by_rate(values):
        return np.asarray(values).reshape(len(settings.rates), -1).mean(axis=1)

    def scale_by_rate():
        return by_rate(split_parameters(model(inputs))[1])

    scales = [scale_by_rate()]
    record = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: scales.append(scale_by_rate())
    )
    # All items are one batch, so an epoch is as many steps as one record of the scale is worth.
    batches = ((inputs, shares) for _ in range(settings.epochs * settings.steps_per_epoch))
    model.fit(
        batches,
        epochs=settings.epochs,
        steps_per_epoch=settings.steps_per_epoch,
        callbacks=[record],
        shuffle=False,
        verbose=0,
    )
    parameters = model(inputs)
    probabilities = np.exp(LogExpectedSoftmax()(parameters))
    true = np.tile(np.repeat(np.arange(NUM_CLASSES), settings.items_per_class), len(settings.rates))
    contradicting = probabilities[np.arange(len(true)), (true + 1) % NUM_CLASSES]
    return {
        "scales": np.stack(scales, axis=1),
        "probability": by_rate(contradicting),
        "loss": float(loss(shares, parameters)),
    }


def train_seeds(settings, loss, **choices):
    """`train` for every seed; return means and standard deviations, as the module describes."""
    runs = [train(settings, loss, seed, **choices) for seed in settings.seeds]
    scales = np.stack([run["scales"] for run in runs])
    probability = np.stack([run["probability"] for run in runs])
    losses = np.array([run["loss"] for run in runs])
    return {
        "initial_scale": float(scales[:, :, 0].mean()),
        "scale_mean": scales[:, :, -1].mean(axis=0).tolist(),
        "scale_sd": _spread(scales[:, :, -1]).tolist(),
        "probability_mean": probability.mean(axis=0).tolist(),
        "probability_sd": _spread(probability).tolist(),
        "loss_mean": float(losses.mean()),
        "loss_sd": float(_spread(losses)),
        "trajectory": {
            "epoch": list(range(scales.shape[2])),
            "scale": scales.mean(axis=(0, 1)).tolist(),
            "scale_by_rate": scales.mean(axis=0).tolist(),
        },
    }


def run(settings, folder):
    """Train everything; write `folder/collapse.json` and return the same dict."""
    learned = {name: train_seeds(settings, loss) for name, loss in LOSSES.items()}
    caveat = {
        name: train_seeds(
            settings, MarginalLikelihood, loc_sees_the_rate=True, start=getattr(settings, name)
        )
        for name in ("small_start", "large_start")
    }
    rates = np.asarray(settings.rates)
    # 0 log 0 = 0 is what the clip stands for.
    shares = np.clip(np.stack([rates, 1 - rates]), np.finfo(float).tiny, 1.0)
    result = {
        "settings": dataclasses.asdict(settings),
        "versions": {"keras": keras.__version__, "backend": keras.backend.backend()},
        "seeds": list(settings.seeds),
        "rates": list(settings.rates),
        "initial_scale": learned["marginal_likelihood"]["initial_scale"],
        **learned,
        "loc_sees_the_rate": caveat,
        "smallest_possible_loss": float(-(shares * np.log(shares)).sum(axis=0).mean()),
        "curve": curve(),
    }
    write_json(pathlib.Path(folder) / "collapse.json", result)
    return result


def _spread(values):
    """Standard deviation over seeds (axis 0), 0 for a single seed."""
    return np.std(values, axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--preset", choices=("full", "smoke"), default="full")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/collapse"))
    options = parser.parse_args()
    # Each network is a model of its own, which TensorFlow takes for one traced again and again.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    result = run(SMOKE if options.preset == "smoke" else Settings(), options.out)
    rows = {name: result[name] for name in LOSSES}
    rows.update({f"loc sees the rate, {k}": v for k, v in result["loc_sees_the_rate"].items()})
    print("rate".ljust(32), *(f"{rate:6.2f}" for rate in result["rates"]))
    for name, row in rows.items():
        print(
            f"{name}\n  scale from {row['initial_scale']:.2f}".ljust(32 + len(name) + 1),
            *(f"{value:6.2f}" for value in row["scale_mean"]),
        )
        print("  predicted rate".ljust(32), *(f"{value:6.2f}" for value in row["probability_mean"]))
        print(f"  loss {row['loss_mean']:.3f} (possible {result['smallest_possible_loss']:.3f})")
    print(options.out / "collapse.json")


if __name__ == "__main__":
    main()
