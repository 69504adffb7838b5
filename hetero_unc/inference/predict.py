"""Passes of a model over arrays -> `Predictive`.

What comes before the first dropout is computed once per item, not once per pass.
"""

import keras
import numpy as np
from rich.progress import Progress

from hetero_unc.checks import as_array, check_array, check_count
from hetero_unc.inference.monte_carlo_dropout import set_pass, with_monte_carlo_dropout
from hetero_unc.inference.outputs import (
    GaussianStatistics,
    Probabilities,
    output_kind,
    to_parameters,
)
from hetero_unc.inference.stochastic_layer import StochasticLayer
from hetero_unc.predictive import Predictive, check_ids

__all__ = ["MonteCarloDropout", "predict"]

DRAWS = 1000


def predict(
    model, images, *, draws=None, output=None, batch_size=256, ids=None, seed=0, progress=False
):
    """Predict once, with dropout off.

    Args:
        model: A built Keras model of one input that ends in Gaussian logits, in
            `LogExpectedSoftmax` or in a softmax.
        images: Array `(N, ...)` of the model's input shape.
        draws: Integer D, draws of the logits; None for those of the model's `LogExpectedSoftmax`,
            or else 1000. Unused for a model without logit noise.
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
            an output that is not known.
    """
    seed = check_count(seed, name="seed", minimum=0)
    body, statistics = _reading(model, draws, output, seed)
    prepared = _Prepared(None, _as_graph(body), statistics)
    return _run(prepared, images, 1, batch_size, ids, progress)


class MonteCarloDropout:
    """Predicts P times with dropout on: Gal and Ghahramani (2016), arxiv.org/abs/1506.02142.

    Args:
        model: As in `predict`; it is left as it is.
        passes: Integer P.
        draws: Integer D, draws of the logits within each pass; None as in `predict`.
        masks: `"per_item"`, or `"per_pass"`: all items of a pass share their masks.
        insertion_rate: None, or the rate of a dropout put before every layer with a kernel.
        output: As in `predict`.
        seed: Integer >= 0. The same seed and batch size give the same numbers.
        progress: Whether to show a progress bar over the passes.

    Raises:
        ValueError: As `with_monte_carlo_dropout` and `predict`; for passes < 1.

    Example:

    >>> predictive = MonteCarloDropout(model, passes=50).predict(images)
    >>> summary = predictive.summarise()
    >>> doubtful = summary.ids[summary.epistemic.argsort()[::-1][:10]]
    """

    def __init__(
        self,
        model,
        *,
        passes=100,
        draws=None,
        masks="per_item",
        insertion_rate=None,
        output=None,
        seed=0,
        progress=False,
    ):
        self.passes = check_count(passes, name="passes")
        seed = check_count(seed, name="seed", minimum=0)
        self.progress = progress
        body, statistics = _reading(model, draws, output, seed)
        stochastic = with_monte_carlo_dropout(
            body, masks=masks, insertion_rate=insertion_rate, seed=seed
        )
        shape = _as_graph(body).inputs[0].shape
        self._prepared = _Prepared(*_split(_as_graph(stochastic, shape)), statistics)

    def predict(self, images, *, batch_size=256, ids=None):
        """Array `(N, ...)` of the model's input shape -> `Predictive` of P passes."""
        return _run(self._prepared, images, self.passes, batch_size, ids, self.progress)


class _Prepared:
    """The part of a model to run once an item, and the part to run once a pass."""

    def __init__(self, prefix, body, statistics):
        self.prefix, self.statistics = prefix, statistics
        self.input_shape = tuple((prefix or body).inputs[0].shape)
        self.tail = keras.Model(body.inputs[0], statistics(body.outputs[0]))
        self.stochastic = any(isinstance(part, StochasticLayer) for part in body._flatten_layers())

    def passes(self, batch, passes, batch_index):
        """Yield the arrays of each pass for one batch."""
        features = batch if self.prefix is None else self.prefix.predict_on_batch(batch)
        for index in range(passes):
            if self.stochastic:
                set_pass(self.tail, index, batch_index)
            self.statistics.set_pass(index)
            yield self.tail.predict_on_batch(features)


def _reading(model, draws, output, seed):
    """The model up to what is read, and the layer that reads it."""
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(
            f"`model` must be a built `keras.Model`: call it once. Received: model={model!r}"
        )
    if draws is not None:
        draws = check_count(draws, name="draws")
    graph = _as_graph(model)
    kind = output_kind(graph, output)
    if kind == "log_probabilities":
        parameters, own = to_parameters(graph)
        if own is not None:
            return parameters, GaussianStatistics(draws or own, seed)
    if kind == "parameters":
        return model, GaussianStatistics(draws or DRAWS, seed)
    rounded = keras.backend.standardize_dtype(graph.outputs[0].dtype) != "float32"
    return model, Probabilities(kind, rounded)


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


def _split(model):
    """`(prefix, rest)` at the first stochastic layer; `(None, model)` where there is no such cut.

    The cut is a single tensor that all of the rest hangs on.
    """
    for layer in getattr(model, "layers", []):
        if any(isinstance(part, StochasticLayer) for part in layer._flatten_layers()):
            break
    else:
        return None, model
    try:
        tensor = layer.input
        if any(tensor is given for given in model.inputs):
            return None, model
        return keras.Model(model.inputs[0], tensor), keras.Model(tensor, model.outputs[0])
    except (AttributeError, ValueError):
        # Called more than once, with several inputs, or bypassed by another branch.
        return None, model


def _run(prepared, images, passes, batch_size, ids, progress):
    images = _check_inputs(prepared.input_shape, images)
    ids = check_ids(ids, len(images))
    batch_size = min(check_count(batch_size, name="batch_size"), len(images))
    starts = range(0, len(images), batch_size)
    arrays = {}
    with Progress(transient=True, disable=not progress) as bar:
        task = bar.add_task("passes", total=passes * len(starts))
        for batch_index, start in enumerate(starts):
            batch = images[start : start + batch_size]
            size = len(batch)
            # The last batch is filled up, so that nothing is compiled for its size.
            batch = np.concatenate([batch, np.repeat(batch[:1], batch_size - size, axis=0)])
            for index, parts in enumerate(prepared.passes(batch, passes, batch_index)):
                for name, values in parts.items():
                    if name not in arrays:
                        shape = (passes, len(images), *values.shape[1:])
                        arrays[name] = np.empty(shape, np.float32)
                    arrays[name][index, start : start + size] = values[:size]
                bar.advance(task)
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
