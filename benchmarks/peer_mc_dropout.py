"""100 dropout passes: torch-uncertainty's `mc_dropout` against `MonteCarloDropout`.

python -m benchmarks.peer_mc_dropout [--quick]

The MNIST CNN with dropout before its last layer, on both sides; the results are probabilities
`(P, N, C)` in NumPy. The peer runs on PyTorch in a process of its own, in inference mode, on as
many threads as there are cores, and in the fastest of its ways: images repeated within the batch or
a loop over passes, each as it is and (not in a quick run) under `torch.compile`. The two take
turns.
"""

import keras
import numpy as np

from benchmarks.paired import main, paired, row
from benchmarks.peer_process import peer
from hetero_unc.inference import MonteCarloDropout
from hetero_unc.models import small_cnn

PASSES, CHUNK = 100, 10
PACKAGE = "torch-uncertainty"


def measure(quick):
    """The row `passes_vs_peer`; PeerMissing where torch-uncertainty is not installed."""
    count = 20 if quick else 100
    images = np.random.default_rng(0).uniform(size=(count, 28, 28, 1)).astype("float32")
    model = small_cnn(keras.layers.Dense(10, activation="softmax"), seed=0)
    ours = MonteCarloDropout(model, passes=PASSES)
    settings = {"images": count, "passes": PASSES, "chunk": CHUNK, "compiled": not quick}
    with peer(PACKAGE, "mc_dropout", **settings) as (call, facts):
        if facts["parameters"] != model.count_params():
            raise RuntimeError(
                "Both networks must have the same number of parameters. "
                f"Received: {facts['parameters']} there, {model.count_params()} here"
            )
        calls = {PACKAGE: call, "ours": lambda: ours.predict(images)}
        repeat = {PACKAGE: 1, "ours": 5}
        timings = paired(calls, rounds=2 if quick else 7, repeat=repeat, warm_up=1)
    how = f"{PACKAGE} {facts['version']}, {facts['variant']}"
    more = {"peer": how, "failures": facts["failures"], "images": count}
    return [row("passes_vs_peer", timings, PACKAGE, "ours", **more)]


if __name__ == "__main__":
    main(measure)
