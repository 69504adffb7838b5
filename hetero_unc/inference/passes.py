"""Runs the passes of one model: batches of items, and chunks of passes within each."""

import dataclasses
import numbers

import numpy as np
from keras import ops

from hetero_unc.checks import check_count
from hetero_unc.inference.compiling import compiled_call
from hetero_unc.inference.folding import Prefix, Tail
from hetero_unc.inference.memory import bytes_of_one_pass, passes_at_once
from hetero_unc.inference.program import holds_dropout, program_of, split
from hetero_unc.inference.stochastic_layer import StochasticLayer

__all__ = ["Passes", "Schedule"]

# A standard error from fewer passes is too uncertain to stop on.
FEWEST_PASSES = 10
# For each class: 28 nodes of the integrals over Gaussian logits, twice, in float32.
BYTES_OF_STATISTICS = 256


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How many passes to run.

    Args:
        passes: Integer P, or the largest P where there is a tolerance.
        tolerance: Largest standard error of a mean probability at which to stop, or None.
        memory_budget: MiB.

    Raises:
        ValueError: passes < 1, or another number is not above 0.
    """

    passes: int
    tolerance: float | None = None
    memory_budget: float = 256

    def __post_init__(self):
        check_count(self.passes, name="passes")
        if self.tolerance is not None:
            _check_above_zero(self.tolerance, "tolerance", "None or a number above 0")
        _check_above_zero(self.memory_budget, "memory_budget", "a number above 0, in MiB")


class Passes:
    """A model made ready to be run many times.

    Args:
        model: A Sequential or Functional model of one input and one output, with stochastic layers
            or without.
        statistics: Layer from its output to a dictionary of tensors, `"probabilities"` among them.
        seed: Integer >= 0 for the draws of `statistics`.
    """

    def __init__(self, model, statistics, seed):
        before, after = split(program_of(model))
        self.input_shape = tuple(model.inputs[0].shape)
        self.dtype = model.inputs[0].dtype
        self.seed = seed
        self.prefix, self.tail = Prefix(before), Tail(after, statistics)
        self.run_prefix, self.run_tail = compiled_call(self.prefix), compiled_call(self.tail)
        self.can_fold = all(site.can_fold for site in self.tail.sites) and all(
            isinstance(step.operation, StochasticLayer) or not holds_dropout(step.operation)
            for step in after.steps
        )

    def run(self, images, starts, schedule, report):
        """Arrays `(P, N, ...)` by the names that `statistics` gives them.

        Args:
            images: Array `(N, ...)`.
            starts: Range of the first item of each batch.
            schedule: `Schedule`.
            report: Function called with the number of passes that a batch has gone on.
        """
        shape = (starts.step, *images.shape[1:])
        chunk = self.passes_at_once(schedule, shape)
        results = Results(schedule.passes, len(images))
        if schedule.tolerance is None:
            for index, start in enumerate(starts):
                features = self._features(images, start, starts.step)
                for first in range(0, schedule.passes, chunk):
                    results.put(first, start, self._chunk(features, index, first, chunk))
                    report(min(chunk, schedule.passes - first))
            return results.arrays
        kept = [self._features(images, start, starts.step) for start in starts]
        for first in range(0, schedule.passes, chunk):
            for index, start in enumerate(starts):
                results.put(first, start, self._chunk(kept[index], index, first, chunk))
                report(min(chunk, schedule.passes - first))
            done = min(first + chunk, schedule.passes)
            if done >= FEWEST_PASSES and results.standard_error(done) <= schedule.tolerance:
                return {name: values[:done] for name, values in results.arrays.items()}
        return results.arrays

    def passes_at_once(self, schedule, shape):
        """K for batches of images of this shape `(N, ...)`."""
        if not self.can_fold:
            return 1
        passes = schedule.passes
        if schedule.tolerance is not None:
            passes = min(passes, FEWEST_PASSES)
        return passes_at_once(passes, self.bytes_of_one_pass(shape), schedule.memory_budget)

    def bytes_of_one_pass(self, shape):
        """An estimate for batches of images of this shape `(N, ...)`."""
        program = self.tail.program
        workspace = BYTES_OF_STATISTICS * (program.outputs[0].shape[1] or 1)
        return bytes_of_one_pass(program, shape, workspace)

    def _features(self, images, start, size):
        batch = images[start : start + size]
        # The last batch is filled up, so that nothing is compiled for its size.
        filling = np.repeat(batch[:1], size - len(batch), axis=0)
        batch = ops.convert_to_tensor(np.concatenate([batch, filling]), dtype=self.dtype)
        return self.run_prefix([batch])

    def _chunk(self, features, batch_index, first, chunk):
        """Arrays `(K, n, ...)` of passes `first` to `first + K - 1` of one batch."""
        passes = range(first, first + chunk)
        keys = [site.keys(first, first + chunk, batch_index) for site in self.tail.sites]
        seeds = np.array([[self.seed, index] for index in passes], "int32")
        outputs = self.run_tail(*features, keys, seeds)
        return {
            name: _unfolded(ops.convert_to_numpy(values), chunk) for name, values in outputs.items()
        }


class Results:
    """Arrays `(P, N, ...)`, filled chunk by chunk."""

    def __init__(self, passes, items):
        self.passes, self.items, self.arrays = passes, items, {}

    def put(self, first, start, chunk):
        """Write the passes from `first` on of the items from `start` on, without the filling."""
        for name, values in chunk.items():
            if name not in self.arrays:
                shape = (self.passes, self.items, *values.shape[2:])
                self.arrays[name] = np.empty(shape, np.float32)
            place = self.arrays[name][first : first + len(values), start : start + values.shape[1]]
            place[...] = values[: place.shape[0], : place.shape[1]]

    def standard_error(self, done):
        """The largest standard error of a mean probability after the first `done` passes."""
        probabilities = self.arrays["probabilities"][:done]
        return probabilities.std(axis=0, ddof=1, dtype=np.float64).max() / np.sqrt(done)


def _unfolded(values, passes):
    return values.reshape(passes, -1, *values.shape[1:])


def _check_above_zero(value, name, rule):
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not 0 < value < float("inf"):
        raise ValueError(f"`{name}` must be {rule}. Received: {name}={value!r}")
