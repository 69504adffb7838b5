"""What the output of a model means, and how it becomes probabilities of one pass."""

import keras
from keras import ops

from hetero_unc.checks import check_choice
from hetero_unc.gaussian import draw_shared_logits, split_parameters
from hetero_unc.gaussian.draw_estimates import (
    expected_agreement,
    expected_entropy,
    log_expected_softmax,
)
from hetero_unc.layers import LogExpectedSoftmax

__all__ = ["OUTPUTS", "GaussianStatistics", "Probabilities", "output_kind", "to_parameters"]

OUTPUTS = ("parameters", "log_probabilities", "probabilities", "logits")


def output_kind(model, output=None):
    """Which of `OUTPUTS` the model returns, by its last layer and output shape.

    Raises:
        ValueError: If `output` is None and neither tells, or C < 2.
    """
    shape = model.output_shape
    if isinstance(shape, (list, dict)) or len(shape) not in (2, 3) or shape[1] < 2:
        raise ValueError(
            "`model` must have one output: (N, C) or Gaussian logits (N, C, 2), C >= 2. "
            f"Received: output_shape={shape}"
        )
    if output is not None:
        return check_choice(output, OUTPUTS, name="output")
    if len(shape) == 3:
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
    """`model` without a final `LogExpectedSoftmax`, and that layer's draws; or `(model, None)`."""
    last = model.layers[-1] if getattr(model, "layers", None) else None
    if not isinstance(last, LogExpectedSoftmax) or not getattr(model, "inputs", None):
        return model, None
    return keras.Model(model.inputs, last.input, name=model.name), last.draws


class GaussianStatistics(keras.layers.Layer):
    """Parameters of one pass -> what a `Predictive` keeps of it.

    All items of a pass share the standard Normals, so an item does not depend on its batch.

    Args:
        draws: Integer D.
        seed: Integer.
    """

    def __init__(self, draws, seed, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.draws, self.seed = draws, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, parameters):
        loc, scale, _ = split_parameters(parameters)
        logits = draw_shared_logits(parameters, self.draws, seed=self.seed_generator)
        return {
            "probabilities": ops.exp(log_expected_softmax(logits)),
            "draw_entropy": expected_entropy(logits),
            "draw_agreement": expected_agreement(logits),
            "loc": loc,
            "scale": scale,
        }

    def set_pass(self, pass_index):
        """Make the next call draw the Normals of this pass."""
        self.seed_generator.state.assign([self.seed, pass_index])


class Probabilities(keras.layers.Layer):
    """Outputs `(N, C)` of one pass -> what a `Predictive` keeps of it."""

    def __init__(self, kind, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.kind = kind
        self.built = True

    def call(self, outputs):
        if self.kind == "probabilities":
            return {"probabilities": outputs}
        # Softmax leaves log-probabilities as they are, and removes what rounding adds to a sum.
        return {"probabilities": ops.softmax(outputs, axis=-1)}

    def set_pass(self, pass_index):
        """Nothing is drawn."""


def _last_layer(model):
    layers = getattr(model, "layers", [])
    last = layers[-1] if layers else None
    while isinstance(last, keras.Model) and last.layers:
        last = last.layers[-1]
    return last
