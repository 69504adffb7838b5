"""What a model predicted, pass by pass, as NumPy arrays, and its summary item by item.

`Predictive` is the only thing that leaves the models' side of the house; metrics and reports read
it, or the smaller `PredictiveSummary`. Neither needs a framework.
"""

import dataclasses
import pathlib

import numpy as np

from hetero_unc.archives import read_arrays, write_arrays
from hetero_unc.checks import ROW_SUM_TOLERANCE, as_array, check_array

__all__ = ["Predictive", "PredictiveSummary", "check_ids"]

FORMAT = "hetero_unc.predictive.1"


@dataclasses.dataclass(frozen=True)
class PredictiveSummary:
    """One row an item: the mean prediction and the parts of its doubt, in nats.

    The parts are those of `hetero_unc.metrics.entropy_decomposition`.

    Attributes
    ----------
    ids : array of shape (N,)
    probabilities : float array of shape (N, C)
        Mean over passes.
    total, aleatoric, epistemic, logit_noise, within_draw : float arrays of shape (N,)
        `total = aleatoric + epistemic` and `aleatoric = logit_noise + within_draw`, each in
        [0, log C] up to rounding. `epistemic` is the plug-in estimate, biased downward by O(1/P);
        it is 0 for one pass.
    mean_scale : float array of shape (N,), or None
        Mean over passes and classes of the scale of the logits; None for a head without one.
    """

    ids: np.ndarray
    probabilities: np.ndarray
    total: np.ndarray
    aleatoric: np.ndarray
    epistemic: np.ndarray
    logit_noise: np.ndarray
    within_draw: np.ndarray
    mean_scale: np.ndarray | None = None

    def __len__(self):
        return len(self.ids)

    @staticmethod
    def concatenate(parts):
        """The summary of all items of `parts`, in their order.

        Parameters
        ----------
        parts : iterable of PredictiveSummary
            At least one.

        Returns
        -------
        PredictiveSummary

        Raises
        ------
        ValueError
            If there is no part, or a column is there in some parts and not in all.
        """
        parts = list(parts)
        if not parts:
            raise ValueError("`parts` must hold at least one summary. Received: none")
        columns = {}
        for field in dataclasses.fields(PredictiveSummary):
            values = [getattr(part, field.name) for part in parts]
            missing = [value is None for value in values]
            if any(missing) and not all(missing):
                raise ValueError(f"`parts` must agree: {field.name} is there in some and not all")
            columns[field.name] = None if all(missing) else np.concatenate(values)
        return PredictiveSummary(**columns)


@dataclasses.dataclass(frozen=True)
class Predictive:
    """Predictions of P passes for N items of C classes.

    Attributes
    ----------
    probabilities : float32 array of shape (P, N, C)
        Of each pass, with the noise of the logits integrated out. Rows sum to one.
    ids : array of shape (N,), optional
        Integers or strings; 0 to N - 1 if not given.
    draw_entropy : float32 array of shape (P, N), optional
        E H[p(z)] within a pass, nats. Not given for a head without logit noise, where it equals
        the entropy of the pass.
    draw_agreement : float32 array of shape (P, N), optional
        E sum_k p_k(z)^2 within a pass, in [1 / C, 1].
    loc, scale : float32 arrays of shape (P, N, C), optional
        Of the Gaussian logits, where the head has them.

    Raises
    ------
    ValueError
        If the arrays do not agree in shape, are empty or not finite, or a row does not sum to one.
    """

    probabilities: np.ndarray
    ids: np.ndarray = None
    draw_entropy: np.ndarray | None = None
    draw_agreement: np.ndarray | None = None
    loc: np.ndarray | None = None
    scale: np.ndarray | None = None

    def __post_init__(self):
        probabilities = check_array(self.probabilities, name="probabilities", ndim=3)
        passes, items, classes = probabilities.shape
        if classes < 2:
            raise ValueError(
                f"`probabilities` must have at least 2 classes. Received: shape="
                f"{probabilities.shape}"
            )
        if probabilities.min() < 0:
            raise ValueError(
                f"`probabilities` must be >= 0. Received: minimum={probabilities.min():.6g}"
            )
        off = np.abs(probabilities.sum(axis=-1, dtype=np.float64) - 1).max()
        if off > ROW_SUM_TOLERANCE:
            raise ValueError(
                f"Every row of `probabilities` must sum to 1. Received: a row off by {off:.6g}"
            )
        self._set("probabilities", probabilities.astype(np.float32, copy=False))
        self._set("ids", check_ids(self.ids, items))
        for name in ("draw_entropy", "draw_agreement"):
            self._set(name, self._checked(name, (passes, items)))
        for name in ("loc", "scale"):
            self._set(name, self._checked(name, (passes, items, classes)))

    def __len__(self):
        return self.probabilities.shape[1]

    @property
    def passes(self):
        """P, the number of dropout passes; 1 for a deterministic prediction."""
        return self.probabilities.shape[0]

    def summarise(self):
        """Reduce the passes to a `PredictiveSummary`: means over passes, and the parts of doubt."""
        per_pass = _entropy(self.probabilities)
        mean = self.probabilities.mean(axis=0, dtype=np.float64)
        total = _entropy(mean)
        aleatoric = per_pass.mean(axis=0)
        within_draw = (
            aleatoric if self.draw_entropy is None else self.draw_entropy.mean(0, dtype=np.float64)
        )
        return PredictiveSummary(
            ids=self.ids,
            probabilities=mean,
            total=total,
            aleatoric=aleatoric,
            epistemic=total - aleatoric,
            logit_noise=aleatoric - within_draw,
            within_draw=within_draw,
            mean_scale=None if self.scale is None else self.scale.mean(axis=(0, 2), dtype=float),
        )

    def save(self, path):
        """Write a compressed npz without pickle, whole or not at all.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        arrays = {name: value for name, value in vars(self).items() if value is not None}
        # The names go first: a zip whose directory is cut short opens without complaint.
        header = {"format": np.array([FORMAT, *arrays])}
        write_arrays(path, {**header, **arrays}, compress=True)

    @classmethod
    def load(cls, path):
        """Read what `save` wrote.

        Raises
        ------
        OSError
            If the file is missing or may not be read.
        ValueError
            Naming the file, if it is truncated, altered, holds pickled objects, is of another
            format, or its arrays do not agree.
        """
        path = pathlib.Path(path)
        arrays = read_arrays(path, kind="predictive file", remedy="Delete it and predict again")
        found, *names = map(str, np.atleast_1d(arrays.pop("format", "none")))
        known = {field.name for field in dataclasses.fields(cls)}
        if found != FORMAT or not arrays.keys() <= known or not arrays.keys() >= set(names):
            raise ValueError(
                f"{path} must hold the format {FORMAT!r} and the arrays it names: {names}. "
                f"Received: format={found!r}, arrays={sorted(arrays)}"
            )
        try:
            return cls(**arrays)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is not a whole predictive file: {error}") from error

    def _checked(self, name, shape):
        value = getattr(self, name)
        if value is None:
            return None
        array = check_array(value, name=name, ndim=len(shape))
        if array.shape != shape:
            raise ValueError(f"`{name}` must have shape {shape}. Received: shape={array.shape}")
        return array.astype(np.float32, copy=False)

    def _set(self, name, value):
        object.__setattr__(self, name, value)


def check_ids(ids, items):
    """Return `ids` as an array of `items` integers or strings; 0 to N - 1 for None.

    Raises
    ------
    ValueError
        If there are not as many, or they are of another kind.
    """
    array = np.arange(items) if ids is None else as_array(ids, name="ids")
    if array.shape != (items,) or array.dtype.kind not in "iuU":
        raise ValueError(
            f"`ids` must be {items} integers or strings. "
            f"Received: dtype={array.dtype}, shape={array.shape}"
        )
    return array


def _entropy(probabilities):
    """Entropy over the last axis in nats, with 0 log 0 = 0."""
    p = probabilities.astype(np.float64, copy=False)
    return -np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=-1)
