"""Passes of a model over arrays -> `Predictive`.

What comes before the dropout is computed once an item. The rest is computed for as many passes at
once as fit into memory: their items make one batch.
"""

import warnings

import keras
import numpy as np
from rich.progress import Progress

from hetero_unc.checks import as_array, check_array, check_count
from hetero_unc.gaussian.integration_nodes import level_of
from hetero_unc.inference.monte_carlo_dropout import with_monte_carlo_dropout
from hetero_unc.inference.outputs import (
    DrawnStatistics,
    ExactStatistics,
    Probabilities,
    output_kind,
    to_parameters,
)
from hetero_unc.inference.passes import Passes, Schedule
from hetero_unc.predictive import Predictive, check_ids

__all__ = ["MonteCarloDropout", "predict", "predict_passes"]

FACTOR_DRAWS = 64


def predict(
    model,
    images,
    *,
    draws=None,
    accuracy=None,
    output=None,
    batch_size=256,
    ids=None,
    seed=0,
    progress=False,
):
    """Predict once, with dropout off.

    Args:
        model: A built Keras model of one input that ends in Gaussian logits, in
            `LogExpectedSoftmax` or in a softmax.
        images: Array `(N, ...)` of the model's input shape.
        draws: Integer D, to average over draws of the logits. None for the estimator of the model's
            `LogExpectedSoftmax`, or else for exact integrals. Unused for a model without logit
            noise.
        accuracy: Of the integrals, as in `hetero_unc.gaussian.expected_softmax`; None for that of
            the model's `LogExpectedSoftmax`, or else `"standard"`.
        output: What the model returns, where its last layer does not tell: `"parameters"`,
            `"log_probabilities"`, `"probabilities"` or `"logits"`.
        batch_size: Integer.
        ids: `(N,)` integers or strings that name the items.
        seed: Integer >= 0 for the draws, which all items share.
        progress: Whether to show a progress bar.

    Returns:
        `Predictive` with one pass.

    Raises:
        ValueError: On images that do not fit the model, are empty or not finite; on draws < 1; on
            draws and an accuracy together; on an accuracy or output that is not known.
    """
    seed = check_count(seed, name="seed", minimum=0)
    body, statistics = _reading(model, draws, accuracy, output, seed)
    passes = Passes(_as_graph(body), statistics, seed)
    return _run(passes, Schedule(1), images, batch_size, ids, progress)


def predict_passes(model, images, *, passes=100, batch_size=256, ids=None, **settings):
    """Predict P times with dropout on: `MonteCarloDropout` in one call.

    Args:
        model, images, batch_size, ids: As in `predict`.
        passes: Integer P.
        **settings: The others of `MonteCarloDropout`.

    Returns:
        `Predictive` of P passes.

    Example:

    >>> predictive = predict_passes(model, images, passes=50)
    """
    monte_carlo = MonteCarloDropout(model, passes=passes, **settings)
    return monte_carlo.predict(images, batch_size=batch_size, ids=ids)


class MonteCarloDropout:
    """Predicts P times with dropout on: Gal and Ghahramani (2016), arxiv.org/abs/1506.02142.

    The part of the model that no dropout reaches is computed once an item, and the rest for as many
    passes at once as fit into `memory_budget`. How many that are changes no number but by rounding.

    A subclassed model, and a layer that is not Keras' own and holds dropout, is run pass by pass,
    after one warning: it may mix the items of a batch.

    Args:
        model: As in `predict`; it is left as it is.
        passes: Integer P. With a `tolerance`, the largest number of passes.
        draws: Integer D, draws of the logits within each pass; None as in `predict`.
        accuracy: As in `predict`.
        masks: `"per_item"`, or `"per_pass"`: all items of a pass share their masks.
        insertion_rate: None, or the rate of a dropout put before every layer with a kernel.
        output: As in `predict`.
        tolerance: None, or a probability > 0: stop when no mean probability of any item and class
            has a larger standard error, estimated from the passes so far, and after at least 10
            passes. `Predictive.passes` tells how many it took. What comes before the dropout is
            then kept for all items.
        memory_budget: MiB > 0 for the tensors of the passes that run at once. At least one pass of
            a batch runs, whatever it takes.
        seed: Integer >= 0. The same seed gives the same numbers; with masks per item, for the same
            batch size.
        progress: Whether to show a progress bar over the passes.

    Raises:
        ValueError: As `with_monte_carlo_dropout` and `predict`; for passes < 1, or a tolerance or
            memory budget that is not above 0.

    Example:

    >>> predictive = MonteCarloDropout(model, passes=50).predict(images)
    >>> summary = predictive.summarise()
    >>> doubtful = summary.ids[(-summary.epistemic).argsort()[:10]]
    """

    def __init__(
        self,
        model,
        *,
        passes=100,
        draws=None,
        accuracy=None,
        masks="per_item",
        insertion_rate=None,
        output=None,
        tolerance=None,
        memory_budget=256,
        seed=0,
        progress=False,
    ):
        seed = check_count(seed, name="seed", minimum=0)
        self._schedule = Schedule(passes, tolerance, memory_budget)
        self.progress = progress
        body, statistics = _reading(model, draws, accuracy, output, seed)
        stochastic = with_monte_carlo_dropout(
            body, masks=masks, insertion_rate=insertion_rate, seed=seed
        )
        shape = _as_graph(body).inputs[0].shape
        self._passes = Passes(_as_graph(stochastic, shape), statistics, seed)
        if not self._passes.can_fold:
            warnings.warn(
                f"{model.name!r} runs pass by pass: it is subclassed, or a layer that is not "
                "Keras' own holds dropout, and so it might mix the items of a batch. Passes of a "
                "Sequential or Functional model run together, many times faster.",
                stacklevel=2,
            )

    @property
    def passes(self):
        """P, or the largest P."""
        return self._schedule.passes

    def predict(self, images, *, batch_size=256, ids=None):
        """Array `(N, ...)` of the model's input shape -> `Predictive` of P passes."""
        return _run(self._passes, self._schedule, images, batch_size, ids, self.progress)


def _reading(model, draws, accuracy, output, seed):
    """The model up to what is read, and the layer that reads it."""
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(
            f"`model` must be a built `keras.Model`: call it once. Received: model={model!r}"
        )
    graph = _as_graph(model)
    kind = output_kind(graph, output)
    if kind == "log_probabilities":
        parameters, last = to_parameters(graph)
        if last is not None:
            return parameters, _statistics(draws, accuracy, seed, last)
    if kind == "parameters":
        return model, _statistics(draws, accuracy, seed)
    rounded = keras.backend.standardize_dtype(graph.outputs[0].dtype) != "float32"
    return model, Probabilities(kind, rounded)


def _statistics(draws, accuracy, seed, last=None):
    """How Gaussian logits are read: as asked for, or as the model's last layer does."""
    if draws is not None and accuracy is not None:
        raise ValueError(
            "`draws` and `accuracy` must not both be given: integrals are not drawn. "
            f"Received: draws={draws!r}, accuracy={accuracy!r}"
        )
    if draws is None and accuracy is None and last is not None and last.estimator == "draws":
        draws = last.draws
    if draws is not None:
        return DrawnStatistics(check_count(draws, name="draws"), seed)
    accuracy = accuracy or getattr(last, "accuracy", "standard")
    level_of(accuracy)
    return ExactStatistics(accuracy, getattr(last, "factor_draws", FACTOR_DRAWS))


def _as_graph(model, shape=None):
    """The model itself, or a Functional model that calls it, where it has no graph of its own.

    `shape` is that of the input; None for the one that `model` was built for.
    """
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) == 1:
        return model
    shape = shape or (model.get_build_config() or {}).get("input_shape") or ()
    if inputs or not shape or not all(size is None or isinstance(size, int) for size in shape):
        raise ValueError(
            "`model` must have one input, an array. "
            f"Received: model={model.name!r} of class {type(model).__name__}"
        )
    image = keras.Input(shape[1:])
    return keras.Model(image, model(image), name=model.name)


def _run(passes, schedule, images, batch_size, ids, progress):
    images = _check_inputs(passes.input_shape, images)
    ids = check_ids(ids, len(images))
    batch_size = min(check_count(batch_size, name="batch_size"), len(images))
    starts = range(0, len(images), batch_size)
    with Progress(transient=True, disable=not progress) as bar:
        task = bar.add_task("passes", total=schedule.passes * len(starts))
        arrays = passes.run(
            images, starts, schedule, lambda passes_done: bar.advance(task, passes_done)
        )
    return Predictive(ids=ids, **arrays)


def _check_inputs(input_shape, images):
    array = as_array(images, name="images")
    fits = array.ndim == len(input_shape) and all(
        want in (None, found) for want, found in zip(input_shape[1:], array.shape[1:], strict=True)
    )
    if not fits:
        sizes = ", ".join("any" if size is None else str(size) for size in input_shape[1:])
        raise ValueError(
            f"`images` must have the model's input shape (N, {sizes}). "
            f"Received: shape={array.shape}"
        )
    return check_array(array, name="images", ndim=array.ndim).astype(np.float32, copy=False)
