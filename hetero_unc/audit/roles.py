"""Which items choose thresholds and which judge them."""

import dataclasses

import numpy as np

__all__ = ["EVALUATED", "TRAINING", "VALIDATION", "Roles", "assign_roles"]

EVALUATED, VALIDATION, TRAINING = "evaluated", "validation", "training"
TRAINING_NAMES = ("train",)
VALIDATION_NAMES = ("val", "dev", "calib", "tune", "publictest")


@dataclasses.dataclass(frozen=True, eq=False)
class Roles:
    """What part each item plays.

    Attributes
    ----------
    role : str array of shape (N,)
        `"evaluated"`, `"validation"` or `"training"`.
    how : str
        Who is who and why, in a sentence.
    validation_given : bool
        Whether the split came with the votes; False where a half was drawn by lot.
    """

    role: np.ndarray
    how: str
    validation_given: bool

    @property
    def evaluated(self):
        """Boolean (N,): items that judge."""
        return self.role == EVALUATED

    @property
    def validation(self):
        """Boolean (N,): items that thresholds and calibrators are fitted on."""
        return self.role == VALIDATION

    @property
    def training(self):
        """Boolean (N,): items that the model was trained on."""
        return self.role == TRAINING


def assign_roles(split, items, *, seed=0):
    """Tell evaluated, validation and training items apart by the names of the split.

    Convention: names that start with "train" are training; with "val", "dev", "calib", "tune" or
    "publictest" validation; all others, and "", are evaluated; case does not matter. Without a
    validation item a random half of the evaluated ones becomes validation.

    Parameters
    ----------
    split : str array of shape (N,), or None
    items : int
        N.
    seed : int, default=0
        Of the halves.

    Returns
    -------
    Roles

    Raises
    ------
    ValueError
        If fewer than two items are left to validate and evaluate on.
    """
    role = np.full(items, EVALUATED, dtype="<U10")
    if split is not None:
        names, place = np.unique(split, return_inverse=True)
        lowered = [str(name).strip().lower().replace("_", "").replace("-", "") for name in names]
        of_name = [
            TRAINING
            if name.startswith(TRAINING_NAMES)
            else VALIDATION
            if name.startswith(VALIDATION_NAMES)
            else EVALUATED
            for name in lowered
        ]
        role = np.array(of_name, dtype="<U10")[place]
    given = bool((role == VALIDATION).any())
    if given and (role == EVALUATED).any():
        how = "The split that came with the votes says which items validate and which judge."
        return Roles(role, how, validation_given=True)
    # Only validation items, or none: what there is of the two is halved.
    pool = np.flatnonzero(role != TRAINING)
    if len(pool) < 2:
        raise ValueError(
            "The votes must cover at least 2 items that the model was not trained on. "
            f"Received: {len(pool)} of {items}"
        )
    drawn = np.random.default_rng(seed).permutation(pool)
    role[pool] = EVALUATED
    role[drawn[: len(pool) // 2]] = VALIDATION
    how = (
        "There is no split into validation and test items, so half of the items, drawn by lot, "
        "choose thresholds and calibrators, and the other half judges them."
    )
    return Roles(role, how, validation_given=False)
