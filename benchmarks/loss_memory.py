"""What do Gaussian logits of a thousand classes cost in memory: by 1000 draws, and exactly?

python -m benchmarks.loss_memory [--quick]

Training steps of one dense head on 128 items with 1000 classes, each loss in a fresh process, whose
peak resident memory Linux keeps (VmHWM). Plain softmax is Keras' cross-entropy on a head of as many
outputs, 2000 of them, so that weights, gradients and the optimiser's moments are equal and the
difference is that of the loss; it has all of its classes to normalise, too. What compiling takes is
counted. `tensor_mib` is what one tensor of all draws would take.
"""

import json
import subprocess
import sys

from benchmarks.paired import main

ITEMS, CLASSES, DRAWS, FEATURES, STEPS = 128, 1000, 1000, 64, 3
PLAIN = "plain softmax"
VARIANTS = {
    "loss_memory_mib": ("1000 draws", None),
    "loss_memory_soft_mib": (
        "1000 draws, label distributions",
        "the same with label distributions, MiB",
    ),
    "loss_memory_independent_mib": (
        "1000 independent draws",
        "the same with independent draws, MiB",
    ),
    "loss_memory_exact_mib": ("exact", "the same without draws: exact / plain softmax, MiB"),
}


def measure(quick):
    """Peak memory above plain softmax, MiB: the median over rounds of fresh processes."""
    rounds = 1 if quick else 3
    names = [PLAIN, *(name for name, _ in VARIANTS.values())]
    peaks = {name: sorted(peak_mib(name) for _ in range(rounds)) for name in names}
    median = {name: values[rounds // 2] for name, values in peaks.items()}
    return [
        {
            "id": row_id,
            "ratio": median[name] - median[PLAIN],
            "low": peaks[name][0] - peaks[PLAIN][-1],
            "high": peaks[name][-1] - peaks[PLAIN][0],
            "unit": "MiB",
            "n": rounds,
            "peaks": {name: median[name], PLAIN: median[PLAIN]},
            "tensor_mib": ITEMS * CLASSES * DRAWS * 4 / 2**20,
            **({"claim": claim} if claim else {}),
        }
        for row_id, (name, claim) in VARIANTS.items()
    ]


def peak_mib(name):
    """Peak resident memory of a process that trains with this loss."""
    command = [sys.executable, "-m", "benchmarks.loss_memory", "--variant", name]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def train(name):
    """A few training steps with the loss of this name."""
    import keras
    import numpy as np

    from hetero_unc.layers import GaussianLogits
    from hetero_unc.losses import MarginalLikelihood

    rng = np.random.default_rng(0)
    features = rng.normal(size=(ITEMS, FEATURES)).astype("float32")
    labels = rng.integers(CLASSES, size=ITEMS)
    if name == PLAIN:
        head = keras.layers.Dense(2 * CLASSES)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    else:
        head = GaussianLogits(CLASSES)
        loss = {
            "exact": MarginalLikelihood,
            "1000 independent draws": lambda: MarginalLikelihood(
                DRAWS, "draws", sequence="independent"
            ),
        }.get(name, lambda: MarginalLikelihood(DRAWS, "draws"))()
    if "distributions" in name:
        labels = np.eye(CLASSES, dtype="float32")[labels]
    model = keras.Sequential([keras.Input((FEATURES,)), head])
    model.compile(keras.optimizers.Adam(), loss)
    for _ in range(STEPS):
        model.train_on_batch(features, labels)


def peak_of_this_process():
    """VmHWM, MiB."""
    with open("/proc/self/status", encoding="ascii") as status:
        kib = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(kib) / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--variant"]:
        train(sys.argv[2])
        print(json.dumps(peak_of_this_process()))
    else:
        main(measure)
