"""What the output of a model means, and how it becomes probabilities of one pass."""

import keras
from keras import ops

from hetero_unc.checks import check_choice
from hetero_unc.gaussian import (
    draw_estimates,
    draw_shared_logits,
    gumbel,
    split_parameters,
)
from hetero_unc.gaussian.integrals import agreement_of, entropy_of, softmax_moments
from hetero_unc.gaussian.low_rank import given_shared_factor, mean_over_factor
from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax

__all__ = [
    "OUTPUTS",
    "DrawnStatistics",
    "ExactStatistics",
    "Probabilities",
    "output_kind",
    "to_parameters",
]

OUTPUTS = ("parameters", "log_probabilities", "probabilities", "logits")


def output_kind(model, output=None):
    """Which of `OUTPUTS` the model returns, by its last layer and output shape.

    Args:
        model: A Sequential or Functional model.
        output: One of `OUTPUTS`, where the last layer does not tell.

    Raises:
        ValueError: If `output` is None and nothing tells, if it does not fit the output's shape, or
            if C < 2.
    """
    shape = tuple(model.outputs[0].shape)
    # Any layer may return three axes: beyond two numbers a class, it must be the head or be named.
    named = output == "parameters" or isinstance(_last_layer(model), GaussianLogits)
    gaussian = len(shape) == 3 and (shape[2] == 2 or (named and (shape[2] or 0) > 2))
    if len(model.outputs) != 1 or not (len(shape) == 2 or gaussian) or (shape[1] or 2) < 2:
        raise ValueError(
            "`model` must have one output: (N, C) or Gaussian logits (N, C, 2 + R), C >= 2. "
            f"Received: output_shape={model.output_shape}"
        )
    if output is not None:
        check_choice(output, OUTPUTS, name="output")
        if gaussian != (output == "parameters"):
            raise ValueError(
                "`output` must be 'parameters' for an output of shape (N, C, 2 + R), another for "
                f"(N, C). Received: output={output!r}, output_shape={shape}"
            )
        return output
    if gaussian:
        return "parameters"
    last = _last_layer(model)
    if isinstance(last, LogExpectedSoftmax):
        return "log_probabilities"
    activation = getattr(last, "activation", None)
    if isinstance(last, keras.layers.Softmax) or activation is keras.activations.softmax:
        return "probabilities"
    if activation is keras.activations.log_softmax:
        return "log_probabilities"
    raise ValueError(
        "`output` must say what `model` returns, as its last layer is neither GaussianLogits, "
        f"LogExpectedSoftmax nor a softmax: one of {OUTPUTS}. "
        f"Received: output=None, last layer={getattr(last, 'name', None)!r}"
    )


def to_parameters(model):
    """`model` without a final `LogExpectedSoftmax`, and that layer; or `(model, None)`."""
    last = _operation_of(model.outputs[0])
    if not isinstance(last, LogExpectedSoftmax):
        return model, None
    return keras.Model(model.inputs[0], last.input, name=model.name), last


class ExactStatistics(keras.layers.Layer):
    """Parameters of one pass -> what a `Predictive` keeps of it, by integrals.

    Args:
        accuracy: As in `hetero_unc.gaussian.expected_softmax`.
        factor_draws: Integer, points for the low-rank part where there is one; all items share
            them, so an item does not depend on its batch.
    """

    def __init__(self, accuracy, factor_draws, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.accuracy, self.factor_draws = accuracy, factor_draws
        self.built = True

    def call(self, parameters):
        loc, scale, points = given_shared_factor(parameters, self.factor_draws)
        moments = softmax_moments(loc, scale, self.accuracy, gumbel.FAST)
        found = moments.probabilities, entropy_of(moments, loc, scale), agreement_of(moments)
        found = (mean_over_factor(part, points) for part in found)
        return _kept(*found, *split_parameters(parameters))


class DrawnStatistics(keras.layers.Layer):
    """The same by draws, as in Reasonable Doubt (2018).

    All items of a pass share the standard Normals, so an item does not depend on its batch.

    Args:
        draws: Integer D.
        seed: Integer.
    """

    def __init__(self, draws, seed, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.draws = draws
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, parameters):
        logits = draw_shared_logits(parameters, self.draws, seed=self.seed_generator)
        return _kept(
            ops.exp(draw_estimates.log_expected_softmax(logits)),
            draw_estimates.expected_entropy(logits),
            draw_estimates.expected_agreement(logits),
            *split_parameters(parameters),
        )


def _kept(probabilities, draw_entropy, draw_agreement, loc, scale, factor):
    # What is reported as the scale of a logit is its whole standard deviation.
    scale = ops.sqrt(ops.square(scale) + ops.sum(ops.square(factor), axis=-1))
    return {
        "probabilities": probabilities,
        "draw_entropy": draw_entropy,
        "draw_agreement": draw_agreement,
        "loc": loc,
        "scale": scale,
    }


class Probabilities(keras.layers.Layer):
    """Outputs `(N, C)` of one pass -> what a `Predictive` keeps of it.

    Args:
        kind: One of `OUTPUTS` but `"parameters"`.
        rounded: Whether probabilities come in half precision, whose rows sum to one within 1 %.
    """

    def __init__(self, kind, rounded=False, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.kind, self.rounded = kind, rounded
        self.built = True

    def call(self, outputs):
        if self.kind == "probabilities":
            total = ops.sum(outputs, axis=-1, keepdims=True) if self.rounded else 1.0
            return {"probabilities": outputs / total}
        # Softmax leaves log-probabilities as they are, and removes what rounding adds to a sum.
        return {"probabilities": ops.softmax(outputs, axis=-1)}


def _last_layer(model):
    """What made the output, looked for inside nested models with a graph of their own."""
    last = _operation_of(model.outputs[0])
    while getattr(last, "outputs", None):
        last = _operation_of(last.outputs[0])
    return last


def _operation_of(tensor):
    # Not `model.layers[-1]`: an operation such as `2 * x` may follow it, which is no layer.
    return tensor._keras_history.operation
