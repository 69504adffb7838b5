"""Runs a peer in a process and a virtual environment of its own: PyTorch here, TensorFlow there.

Started by `peer_process.py`, never by hand. It imports nothing of this repository. One line of JSON
in, one out: first the task, answered by what was prepared; then any number of runs.
"""

import json
import os
import sys
import time
import warnings

import torch
from torch import nn


def mc_dropout(*, images, passes, chunk, compiled):
    """100 passes of torch-uncertainty's `mc_dropout`: `{variant: call}`, and the parameter count.

    Each call returns probabilities `(P, N, C)`, which is what `MonteCarloDropout` returns too.
    `batch` repeats the images within the batch, `chunk` images at a time so that it fits in memory;
    `loop` calls the model once a pass.
    """
    from torch_uncertainty.methods import mc_dropout

    network = small_cnn().eval()
    inputs = torch.rand(images, 1, 28, 28)
    batched = mc_dropout(network, num_estimators=passes, on_batch=True).eval()
    looped = mc_dropout(network, num_estimators=passes, on_batch=False).eval()

    def probabilities(model, size):
        parts = []
        with torch.inference_mode():
            for part in inputs.split(size):
                logits = model(part).reshape(passes, len(part), -1)
                parts.append(torch.softmax(logits, dim=-1))
        return torch.cat(parts, dim=1).numpy()

    variants = {
        "batch": lambda: probabilities(batched, chunk),
        "loop": lambda: probabilities(looped, images),
    }
    if compiled:
        fast_batch, fast_loop = torch.compile(batched), torch.compile(looped.core_model)
        compiled_loop = mc_dropout(fast_loop, num_estimators=passes, on_batch=False).eval()
        variants["batch, compiled"] = lambda: probabilities(fast_batch, chunk)
        variants["loop, compiled"] = lambda: probabilities(compiled_loop, images)
    return variants, sum(part.numel() for part in network.parameters())


def small_cnn():
    """`hetero_unc.models.small_cnn` with ten logits, in PyTorch."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding="same"),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding="same"),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 1024),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.Linear(1024, 10),
    )


def heteroscedastic(*, items, features, classes, factors, samples, compiled):
    """Loss and gradients of probly's `HeteroscedasticLayer`, the layer of its HetNets."""
    from probly.layers.torch import HeteroscedasticLayer

    layer = HeteroscedasticLayer(features, classes, num_factors=factors)
    layer.training_samples = samples
    inputs = torch.rand(items, features)
    labels = torch.randint(classes, (items,))

    def step(forward):
        layer.zero_grad()
        loss = nn.functional.cross_entropy(forward(inputs), labels)
        loss.backward()
        return loss.item()

    variants = {"eager": lambda: step(layer)}
    if compiled:
        fast = torch.compile(layer)
        variants["compiled"] = lambda: step(fast)
    return variants, sum(part.numel() for part in layer.parameters())


def fastest(variants):
    """`(name, call, failures)`: the better of two after a warm-up, so the peer runs at its best."""
    seconds, failures = {}, {}
    for name, call in variants.items():
        try:
            call()
            seconds[name] = min(_seconds(call) for _ in range(2))
        except Exception as error:  # a compiler that is missing must not take the peer away
            failures[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
    if not seconds:
        raise RuntimeError(f"No variant ran: {failures}")
    best = min(seconds, key=seconds.get)
    return best, variants[best], failures


def _seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


TASKS = {"mc_dropout": mc_dropout, "heteroscedastic": heteroscedastic}


def main():
    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    torch.set_num_threads(os.cpu_count())
    torch.manual_seed(0)
    request = json.loads(sys.stdin.readline())
    variants, parameters = TASKS[request.pop("task")](**request)
    name, call, failures = fastest(variants)
    answer = {"variant": name, "parameters": parameters, "failures": failures}
    print(json.dumps(answer), file=answers, flush=True)
    for line in sys.stdin:
        for _ in range(json.loads(line)["runs"]):
            call()
        print(json.dumps({"done": True}), file=answers, flush=True)


if __name__ == "__main__":
    main()
