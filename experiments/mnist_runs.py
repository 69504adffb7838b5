"""Which runs each preset of `mnist.py` is made of. A run's settings decide its result."""

import dataclasses

__all__ = ["ESTIMATORS", "METHODS", "PRECISIONS", "PRESETS", "Run", "runs_of"]

METHODS = ("softmax", "expected_cross_entropy", "marginal_likelihood")
# How each finds its expectations: as it was published, but for the marginal likelihood, which has
# no published code to follow.
ESTIMATORS = {
    "softmax": "none",
    "expected_cross_entropy": "draws",
    "marginal_likelihood": "exact",
}
PRESETS = ("quick", "full", "grid", "flipped", "smoke")
PRECISIONS = ("float32", "mixed_bfloat16")


@dataclasses.dataclass(frozen=True)
class Run:
    """All that decides the result of one training run and its predictions."""

    method: str
    recipe: str
    epochs: int
    seed: int
    dataset: str
    digest: str
    flip_rate: float = 0.0
    batch_size: int = 100
    steps_per_epoch: int | None = None
    dropout: float = 0.4
    loss_draws: int = 1000
    prediction_draws: int = 1000
    passes: int = 30
    draws_per_pass: int = 100
    precision: str = "float32"
    estimator: str = "draws"

    @property
    def name(self):
        """Of its folder; the rest of the settings is compared when the folder is opened."""
        exact = "-exact" if self.estimator == "exact" else ""
        flipped = f"-flipped{round(100 * self.flip_rate)}" if self.flip_rate else ""
        return (
            f"{self.dataset}{flipped}-{self.method}{exact}-{self.recipe}-{self.epochs}epochs"
            f"-seed{self.seed}"
        )


def runs_of(preset, dataset, precision="float32"):
    """The runs of a preset, in the order in which they are of use."""
    adam = {"mnist": {"quick": 3, "flipped": 4}.get(preset, 8), "digits": 30}[dataset.name]
    base = {"dataset": dataset.name, "digest": dataset.digest, "precision": precision}
    if preset == "smoke":
        tiny = {**base, "passes": 5, "draws_per_pass": 20, "prediction_draws": 50, "loss_draws": 20}
        return [
            Run(method, "adam", 2, 0, estimator=estimator, **tiny)
            for method, estimator in ESTIMATORS.items()
        ]
    if preset in ("quick", "flipped"):
        base["flip_rate"] = 0.2 if preset == "flipped" else 0.0
        return [
            Run(method, "adam", adam, 0, estimator=estimator, **base)
            for method, estimator in ESTIMATORS.items()
        ]
    drawn = {**ESTIMATORS, "marginal_likelihood": "draws"}
    full = [
        Run(method, "adam", adam, seed, estimator=estimator, **base)
        for seed in range(5)
        for method, estimator in (*drawn.items(), ("marginal_likelihood", "exact"))
    ]
    augmented = [
        Run("marginal_likelihood", "adam_augmented", adam + adam // 2, seed, **base)
        for seed in range(5)
    ]
    if preset == "full":
        return full + augmented
    # 20,000 steps of 100, as in the tutorial; a checkpoint every 500.
    tutorial = {**base, "steps_per_epoch": 500}
    return (
        full
        + augmented
        + [
            Run(method, "tutorial_sgd", 40, seed, estimator=estimator, **tutorial)
            for seed in range(3)
            for method, estimator in drawn.items()
        ]
    )
