"""What some model predicted for items, whatever it was made with."""

import dataclasses

import numpy as np

from hetero_unc.checks import as_array, check_array, check_label_distributions
from hetero_unc.data.names import check_class_names, check_ids

__all__ = ["Predictions"]


@dataclasses.dataclass(frozen=True, eq=False)
class Predictions:
    """Predicted probabilities of P passes for N items and C classes, checked when put together.

    A pass is one of several predictions for the same item whose differences say how little the
    model knows: a pass with dropout, a member of an ensemble, a tree of a forest.

    Attributes
    ----------
    probabilities : float array of shape (P, N, C)
        In [0, 1], rows sum to one. (N, C) is taken as one pass. float32 and float64 stay what they
        are; halves become float32, anything else float64.
    ids : str array of shape (N,), or None
        Path or id of each item, each there once; None where the file names none. Integers given
        are kept as their digits.
    loc, scale : float arrays of shape (P, N, C), optional
        Location and standard deviation (>= 0) of Gaussian logits; (N, C) as above.
    classes : tuple of str of length C, or None
        Names of the classes; None where the file names none.
    trained_on : boolean array of shape (N,), optional
        Items that the model was trained on, whose predictions prove nothing.

    Raises
    ------
    ValueError
        Where these do not fit together, are not finite or are no probabilities.
    """

    probabilities: np.ndarray = dataclasses.field(repr=False)
    ids: np.ndarray | None = None
    loc: np.ndarray | None = dataclasses.field(default=None, repr=False)
    scale: np.ndarray | None = dataclasses.field(default=None, repr=False)
    classes: tuple[str, ...] | None = None
    trained_on: np.ndarray | None = dataclasses.field(default=None, repr=False)

    def __post_init__(self):
        probabilities = check_label_distributions(
            _with_passes(self.probabilities, name="probabilities"), name="probabilities", ndim=3
        )
        _, items, columns = shape = probabilities.shape
        checked = {"probabilities": _single_or_double(probabilities)}
        if self.ids is not None:
            checked["ids"] = check_ids(self.ids, items)
        if self.classes is not None:
            checked["classes"] = check_class_names(self.classes)
            if len(checked["classes"]) != columns:
                raise ValueError(
                    f"`classes` must name the {columns} classes of `probabilities`. "
                    f"Received: {len(checked['classes'])} names"
                )
        if self.trained_on is not None:
            checked["trained_on"] = array = as_array(self.trained_on, name="trained_on")
            if array.shape != (items,) or array.dtype != bool:
                raise ValueError(
                    f"`trained_on` must be {items} booleans. "
                    f"Received: dtype={array.dtype}, shape={array.shape}"
                )
        for name in ("loc", "scale"):
            if getattr(self, name) is not None:
                array = check_array(_with_passes(getattr(self, name), name=name), name=name, ndim=3)
                if array.shape != shape:
                    raise ValueError(
                        f"`{name}` must have the shape of `probabilities`, {shape}. "
                        f"Received: shape={array.shape}"
                    )
                checked[name] = _single_or_double(array)
        if "scale" in checked and checked["scale"].min() < 0:
            raise ValueError(
                f"`scale` must be >= 0. Received: minimum={checked['scale'].min():.6g}"
            )
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __len__(self):
        return self.probabilities.shape[1]

    @property
    def passes(self):
        """P, the number of passes; 1 for a single prediction."""
        return self.probabilities.shape[0]

    def take(self, rows):
        """The predictions for some of the items, in the order of `rows`, integers in [0, N)."""
        return dataclasses.replace(
            self,
            probabilities=self.probabilities[:, rows],
            ids=None if self.ids is None else self.ids[rows],
            loc=None if self.loc is None else self.loc[:, rows],
            scale=None if self.scale is None else self.scale[:, rows],
            trained_on=None if self.trained_on is None else self.trained_on[rows],
        )


def _with_passes(values, *, name):
    array = as_array(values, name=name)
    return array[np.newaxis] if array.ndim == 2 else array


def _single_or_double(array):
    # Also turns round the bytes of a file from a machine of the other order.
    return array.astype(np.float32 if array.dtype.itemsize <= 4 else np.float64, copy=False)
