"""Which runs each preset of `ferplus_paper.py` is made of. A run's settings decide its result."""

import dataclasses

from ferplus_features import Trunk

__all__ = [
    "METHODS", "PAPER_ENDPOINT", "PRESETS", "WITHOUT_PASSES", "PaperRun", "published", "runs_of",
    "trunk_name", "trunk_of",
]  # fmt: skip

METHODS = (
    "baseline", "uncnet", "aleatoric", "both", "uncnet_input_dropout", "gaussian_marginal",
    "gaussian_votes",
)  # fmt: skip
# Updates of the checkpoints that the authors evaluated, in passes over Training: their numbers
# count from 0. Learning rates are those of the same runs.
PUBLISHED = {
    "baseline": (404, 1e-4),
    "uncnet": (820, 1e-5),
    "aleatoric": (429, 1e-4),
    "both": (531, 1e-4),
}
# Evaluated with dropout off: the same weights as the other, where training is the same.
WITHOUT_PASSES = {"baseline": "uncnet", "aleatoric": "both"}
PREPROCESSINGS = {"published": "published_nearest", "corrected": "standardised"}
OTHER_INPUTS = (
    "standardised_nearest", "standardised_bicubic", "published_nearest", "published_bicubic",
)  # fmt: skip
# The authors' sweep, over pre-trained trunks and endpoints too.
LEARNING_RATES = (1e-4, 1e-3, 5e-5, 1e-5, 5e-6, 1e-2, 1e-1)
PRESETS = ("published", "corrected", "endpoints", "inputs", "rates", "smoke")
PAPER_ENDPOINT = "Mixed_7a"


@dataclasses.dataclass(frozen=True)
class PaperRun:
    """All that decides the result of one small network and its predictions.

    `features` is the digest of the features; `epochs` the number of them, or the largest where the
    validation part chooses; `patience` and `every` are counted in epochs too.
    """

    method: str
    recipe: str
    seed: int
    dataset: str
    digest: str
    features: str
    trunk: str = "random"
    preprocessing: str = "standardised"
    endpoint: str = PAPER_ENDPOINT
    protocol: str = "paper_nine_columns"
    epochs: int = 400
    chosen_by: str = "validation"
    every: int = 5
    patience: int = 25
    learning_rate: float = 1e-4
    batch_size: int = 90
    clip: float = 5.0
    dropout: float = 0.2
    loss_draws: int = 100
    passes: int = 100
    precision: str = "float32"

    @property
    def name(self):
        """Of its folder; the rest of the settings is compared when the folder is opened."""
        special = [
            value
            for value, usual in (
                (self.trunk, "random"),
                (self.endpoint, PAPER_ENDPOINT),
                (self.preprocessing, PREPROCESSINGS[self.recipe]),
                (f"rate{self.learning_rate:g}", f"rate{usual_rate(self.recipe, self.method):g}"),
                (f"{self.epochs}epochs", f"{usual_epochs(self.recipe, self.method)}epochs"),
            )
            if value != usual
        ]
        return "-".join([self.dataset, self.method, self.recipe, *special, f"seed{self.seed}"])


def runs_of(preset, base, seeds=5):
    """The runs of a preset, in the order in which they are of use.

    `base` are the settings that all share: dataset, digest, features and trunk.
    """
    if preset == "published":
        return [published(method, base) for method in PUBLISHED]
    if preset == "corrected":
        trained = [method for method in METHODS if method not in WITHOUT_PASSES]
        return [PaperRun(m, "corrected", seed, **base) for seed in range(seeds) for m in trained]
    if preset == "endpoints":
        return [
            PaperRun("uncnet", "corrected", 0, **base, endpoint=endpoint)
            for endpoint in Trunk.endpoints
        ]
    if preset == "inputs":
        return [
            PaperRun("uncnet", "corrected", 0, **base, preprocessing=preprocessing)
            for preprocessing in OTHER_INPUTS
        ]
    if preset == "rates":
        others = [endpoint for endpoint in Trunk.endpoints if endpoint != PAPER_ENDPOINT]
        return [
            PaperRun("uncnet", "corrected", 0, **base, endpoint=endpoint, learning_rate=rate)
            for endpoint in (PAPER_ENDPOINT, *others)
            for rate in LEARNING_RATES
        ]
    tiny = {"epochs": 3, "every": 1, "passes": 5, "loss_draws": 5}
    runs = [published(m, base) for m in ("baseline", "aleatoric")]
    runs += [PaperRun(m, "corrected", 0, **base) for m in ("uncnet", "both", "gaussian_votes")]
    return [dataclasses.replace(run, **tiny) for run in runs]


def usual_rate(recipe, method):
    """The learning rate of a method outside of a sweep over rates."""
    return PUBLISHED[method][1] if recipe == "published" else PaperRun.learning_rate


def usual_epochs(recipe, method):
    """The epochs of a method outside of the short presets."""
    return PUBLISHED[method][0] if recipe == "published" else PaperRun.epochs


def published(method, base):
    epochs, learning_rate = PUBLISHED[method]
    return PaperRun(
        method,
        "published",
        0,
        **base,
        preprocessing=PREPROCESSINGS["published"],
        epochs=epochs,
        learning_rate=learning_rate,
        chosen_by="last",
        every=20,
    )


def trunk_name(weights):
    """What runs on a file of weights call their trunk: `random` are those without one."""
    return weights.name if weights.stem == PaperRun.trunk else weights.stem


def trunk_of(preprocessing, weights=None, side=160):
    """What the runs with this preprocessing read; only the corrected one is of all endpoints."""
    if preprocessing == PREPROCESSINGS["corrected"]:
        return Trunk(weights, preprocessing, side=side)
    return Trunk(weights, preprocessing, (PAPER_ENDPOINT,), side)
