"""Side by side in one process: what is compared takes turns, so that a busy moment hits all of it.

A ratio is the median over rounds of the ratio within a round. Its interval is made of order
statistics: it covers the true median in at least 95 % of experiments, whatever the distribution of
the times, and is the whole range where there are fewer than six rounds.
"""

import contextlib
import dataclasses
import gc
import math
import statistics
import sys
import time

__all__ = [
    "PeerMissing",
    "Timings",
    "block_until_ready",
    "main",
    "median_interval",
    "paired",
    "row",
]

CONFIDENCE = 0.95


class PeerMissing(RuntimeError):
    """What is compared with is not installed here; the message names it."""


@dataclasses.dataclass(frozen=True)
class Timings:
    """Seconds of each call in each round.

    Parameters
    ----------
    seconds : dict of str to list of float
        One entry a round; the lists have equal lengths.
    """

    seconds: dict

    def divided(self, name, count):
        """These timings with those of one call divided by `count`, where it ran so many times."""
        return Timings({**self.seconds, name: [value / count for value in self.seconds[name]]})

    def medians(self):
        """Median seconds of each call, by name."""
        return {name: statistics.median(values) for name, values in self.seconds.items()}

    def ratio(self, above, below):
        """Median over rounds of `above` / `below`, and its interval: `(ratio, low, high)`."""
        ratios = [a / b for a, b in zip(self.seconds[above], self.seconds[below], strict=True)]
        return statistics.median(ratios), *median_interval(ratios)


def paired(calls, *, rounds, repeat=1, warm_up=1, clock=time.perf_counter):
    """Time functions that take turns.

    Parameters
    ----------
    calls : dict of str to callable
        Each is called without arguments. What it returns is waited for.
    rounds : int
        In each round every call is timed once; every other round runs in reverse order, so that
        none gains by its place.
    repeat : int or dict of str to int, default=1
        Calls within one timing; their time is divided by it.
    warm_up : int, default=1
        Calls of each before the first round: compilation, first allocation, caches.
    clock : callable, default=time.perf_counter
        Seconds now.

    Returns
    -------
    Timings
    """
    repeats = repeat if isinstance(repeat, dict) else dict.fromkeys(calls, repeat)
    for call in calls.values():
        for _ in range(warm_up):
            block_until_ready(call())
    seconds = {name: [] for name in calls}
    with _without_garbage_collection():
        for index in range(rounds):
            for name in list(calls)[:: 1 if index % 2 == 0 else -1]:
                seconds[name].append(_seconds(calls[name], repeats[name], clock))
    return Timings(seconds)


def block_until_ready(result):
    """Wait until every tensor in `result` holds its numbers: devices run behind Python."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        for part in result:
            block_until_ready(part)
    elif hasattr(result, "block_until_ready"):
        result.block_until_ready()
    elif getattr(result, "is_cuda", False):
        sys.modules["torch"].cuda.synchronize(result.device)
    elif type(result).__module__.startswith("tensorflow"):
        sys.modules["tensorflow"].test.experimental.sync_devices()


def median_interval(values):
    """`(low, high)`: order statistics between which the median lies with 95 % confidence."""
    ordered = sorted(values)
    size = len(ordered)
    outside = 0.0
    cut = 0
    # Two-sided: the median is below the cut-th smallest with the chance of a binomial tail.
    while cut < size // 2:
        outside += 2 * math.comb(size, cut) / 2**size
        if outside > 1 - CONFIDENCE:
            break
        cut += 1
    cut = max(cut - 1, 0)
    return ordered[cut], ordered[-1 - cut]


def row(name, timings, above, below, **more):
    """One row of the results: a ratio of two of the calls, and the medians of both.

    Parameters
    ----------
    name : str
        The row's id.
    timings : Timings
    above, below : str
        Names of the calls.
    **more
        Further entries, such as `claim`, one line that says what is compared.

    Returns
    -------
    dict
        `id`, `ratio`, `low`, `high`, `unit`, `n` (rounds), `seconds` (medians) and `more`.
    """
    ratio, low, high = timings.ratio(above, below)
    medians = timings.medians()
    return {
        "id": name,
        "ratio": ratio,
        "low": low,
        "high": high,
        "unit": "times",
        "n": len(timings.seconds[above]),
        "seconds": {above: medians[above], below: medians[below]},
        **more,
    }


def main(measure):
    """Run one script by hand: `python -m benchmarks.exact_step [--quick]`."""
    from benchmarks.table import seconds_table, terminal_table

    unknown = set(sys.argv[1:]) - {"--quick"}
    if unknown:
        sys.exit(f"Only --quick is known. Received: {' '.join(sorted(unknown))}")
    try:
        rows = measure("--quick" in sys.argv[1:])
    except PeerMissing as missing:
        sys.exit(f"Not measured: {missing}")
    print(seconds_table(rows))
    print()
    print(terminal_table(rows))


def _seconds(call, repeat, clock):
    start = clock()
    for _ in range(repeat):
        result = call()
    block_until_ready(result)
    return (clock() - start) / repeat


@contextlib.contextmanager
def _without_garbage_collection():
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
