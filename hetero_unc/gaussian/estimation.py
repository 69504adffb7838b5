"""The settings by which losses and layers find expectations over Gaussian logits."""

from hetero_unc.checks import check_choice, check_count
from hetero_unc.gaussian.integration_nodes import ACCURACIES
from hetero_unc.gaussian.sequences import SEQUENCES

__all__ = ["ESTIMATORS", "Estimating"]

ESTIMATORS = ("exact", "draws")
SETTINGS = ("draws", "estimator", "seed", "sequence", "accuracy", "factor_draws")


class Estimating:
    """Checks the settings and saves them: the first base of a Keras loss or layer.

    `usual_name` is the name of one that is given none; None for one that Keras finds.

    Args:
        draws, factor_draws: Integers >= 1.
        estimator: One of `ESTIMATORS`.
        seed: Integer >= 0.
        sequence: One of `hetero_unc.gaussian.sequences.SEQUENCES`.
        accuracy: As in `hetero_unc.gaussian.expected_softmax`.
        name, **kwargs: For the Keras class.

    Raises:
        ValueError: On a setting out of range.
    """

    usual_name = None

    def __init__(
        self,
        draws=1000,
        estimator="exact",
        seed=0,
        sequence="sobol",
        accuracy="standard",
        factor_draws=64,
        name=None,
        **kwargs,
    ):
        super().__init__(name=name or self.usual_name, **kwargs)
        self.draws = check_count(draws, name="draws")
        self.estimator = check_choice(estimator, ESTIMATORS, name="estimator")
        self.seed = check_count(seed, name="seed", minimum=0)
        self.sequence = check_choice(sequence, SEQUENCES, name="sequence")
        self.accuracy = check_choice(accuracy, ACCURACIES, name="accuracy")
        self.factor_draws = check_count(factor_draws, name="factor_draws")

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in SETTINGS}}
