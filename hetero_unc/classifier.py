"""A scikit-learn estimator that learns from labels or votes, and says how doubtful it is."""

import pathlib
import tempfile

import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d, validate_data

from hetero_unc.checks import check_count, check_images, check_votes
from hetero_unc.data.image_folder import ImageFolder
from hetero_unc.inference import MonteCarloDropout
from hetero_unc.losses import VoteLikelihood
from hetero_unc.models import gaussian_classifier
from hetero_unc.predictive import Predictive, PredictiveSummary
from hetero_unc.training import fit

__all__ = ["HeteroscedasticClassifier"]

# Items that are predicted, and read from a folder, at a time.
PART = 1024


class HeteroscedasticClassifier(ClassifierMixin, BaseEstimator):
    """Gaussian logits, trained on votes by their exact likelihood, with dropout at prediction.

    Settings are checked in `fit`. Every method that predicts raises `NotFittedError` before it, and
    ValueError where `X` is of another shape than there.

    Unlike `keras.wrappers.SKLearnClassifier` it takes votes, has `predict_proba`, and says which
    part of its doubt is whose. With a fixed `random_state` and one machine, the same numbers.

    Parameters
    ----------
    backbone : str, default="auto"
        As in `hetero_unc.models.gaussian_classifier`; `"auto"` is `"compact"` for images and
        `"dense"` for rows of features.
    epochs : int, default=30
        Passes over the training items, >= 1.
    batch_size : int, default=64
        Items of a step, >= 1.
    learning_rate : float, default=1e-3
        Of Adam at the start; it falls to 0 along a cosine.
    dropout : float, default=0.3
        Rate in (0, 1).
    frozen : bool, default=False
        Whether the weights of a `.keras` backbone stay as they are.
    rank : int, default=0
        Of the low-rank part of the covariance of the logits; 0 <= rank < C.
    passes : int, default=30
        Dropout passes of each prediction. All items of a pass share their masks, so that what is
        predicted for an item does not depend on the others.
    run_folder : str or Path, optional
        Where training keeps checkpoints, and from where it resumes; by default nowhere.
    random_state : int, RandomState or None, default=0
        Of the first weights, the order of the items and the masks.
    verbose : int, default=0
        As in `keras.Model.fit`.

    Attributes
    ----------
    classes_ : array of shape (C,)
        Labels in sorted order; 0 to C - 1 where votes were given.
    model_ : keras.Model
    history_ : list of dict
        A row an epoch.
    image_shape_ : tuple of int
        (H, W, K); (1, 1, F) where rows of features were given.
    n_features_in_ : int
        F, where rows of features were given.
    """

    def __init__(
        self,
        backbone="auto",
        *,
        epochs=30,
        batch_size=64,
        learning_rate=1e-3,
        dropout=0.3,
        frozen=False,
        rank=0,
        passes=30,
        run_folder=None,
        random_state=0,
        verbose=0,
    ):
        self.backbone = backbone
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.frozen = frozen
        self.rank = rank
        self.passes = passes
        self.run_folder = run_folder
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, *, validation_data=None):
        """Train on labels or votes.

        Parameters
        ----------
        X : array of shape (N, F), (N, H, W, K) in [0, 1], or ImageFolder
        y : array of shape (N,) of labels, or (N, C) of votes
            Votes are whole numbers >= 0, C >= 2, at least one a row.
        validation_data : (X, y), optional
            Watched in `history_`, never used to choose.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where the data break these rules, before any training.
        """
        for name in ("epochs", "batch_size", "passes"):
            check_count(getattr(self, name), name=name)
        if not 0 < self.dropout < 1:
            raise ValueError(
                "`dropout` must be above 0 and below 1: without it all passes are equal. "
                f"Received: dropout={self.dropout}"
            )
        if not 0 < self.learning_rate < np.inf:
            raise ValueError(
                "`learning_rate` must be above 0 and finite. "
                f"Received: learning_rate={self.learning_rate}"
            )
        images = self._images(X, reset=True)
        votes = self._votes(y, reset=True)
        if len(votes) != len(images):
            raise ValueError(
                "`X` and `y` must have the same length. "
                f"Received: {len(images)} rows of X, {len(votes)} of y"
            )
        if validation_data is not None:
            validation_data = (
                self._images(validation_data[0], reset=False),
                self._votes(validation_data[1], reset=False),
            )
        for watched in (images,) if validation_data is None else (images, validation_data[0]):
            if isinstance(watched, ImageFolder):
                watched.check_whole()
        seed = int(check_random_state(self.random_state).randint(2**20))
        backbone = self.backbone
        if backbone == "auto":
            backbone = "dense" if self._is_flat(images) else "compact"
        self.model_ = gaussian_classifier(
            backbone,
            votes.shape[1],
            input_shape=images.shape[1:],
            dropout=self.dropout,
            frozen=self.frozen,
            rank=self.rank,
            seed=seed,
        )
        self._standardise(images)
        steps = self.epochs * -(-len(images) // self.batch_size)
        schedule = keras.optimizers.schedules.CosineDecay(self.learning_rate, steps)
        self.model_.compile(keras.optimizers.Adam(schedule), VoteLikelihood())
        with tempfile.TemporaryDirectory() as temporary:
            self.history_ = fit(
                self.model_,
                self._scaled(images),
                votes,
                folder=pathlib.Path(self.run_folder or temporary),
                epochs=self.epochs,
                num_classes=votes.shape[1],
                batch_size=self.batch_size,
                validation_data=validation_data
                and (self._scaled(validation_data[0]), validation_data[1]),
                seed=seed,
                verbose=self.verbose,
            )
        self.seed_ = seed
        return self

    def predict(self, X):
        """The most probable class of each item, shape (N,), of the type of `classes_`."""
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X):
        """Mean probabilities over the dropout passes, float64 of shape (N, C)."""
        return self.predict_uncertainty(X).probabilities

    def predict_uncertainty(self, X):
        """A `PredictiveSummary`: probabilities and the parts of the doubt of each item, nats."""
        return PredictiveSummary.concatenate(part.summarise() for part in self._predict_parts(X))

    def predict_passes(self, X):
        """A `Predictive`: every pass of each item, as an audit needs them, (P, N, C) in memory."""
        parts = list(self._predict_parts(X))
        names = ("probabilities", "draw_entropy", "draw_agreement", "loc", "scale")
        return Predictive(
            **{name: np.concatenate([getattr(part, name) for part in parts], 1) for name in names}
        )

    def _predict_parts(self, X):
        check_is_fitted(self)
        images = self._images(X, reset=False)
        monte_carlo = MonteCarloDropout(
            self.model_, passes=self.passes, masks="per_pass", seed=self.seed_
        )
        for start in range(0, len(images), PART):
            rows = slice(start, start + PART)
            yield monte_carlo.predict(self._scaled(images)[rows], ids=np.arange(len(images))[rows])

    def _images(self, X, *, reset):
        """Images `(N, H, W, K)`, or rows of features as images of one pixel."""
        if isinstance(X, ImageFolder):
            images = X
        elif getattr(X, "ndim", 2) == 4:
            images = check_images(X, name="X")
        else:
            images = validate_data(self, X, reset=reset, dtype=np.float64)[:, None, None, :]
        if reset:
            self.image_shape_ = images.shape[1:]
        elif images.shape[1:] != self.image_shape_:
            raise ValueError(
                f"`X` must hold images of shape {self.image_shape_}, as in fit; rows of F features "
                f"count as (1, 1, F). Received: {images.shape[1:]}"
            )
        return images

    def _votes(self, y, *, reset):
        """Counts `(N, C)`; sets or uses `classes_`."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        array = check_array(y, ensure_2d=False, dtype=None, input_name="y")
        if array.ndim == 2 and array.shape[1] > 1:
            votes = check_votes(array, name="y")
            if reset:
                self.classes_ = np.arange(votes.shape[1])
            return votes
        labels = column_or_1d(array, warn=True)
        check_classification_targets(labels)
        if reset:
            self.classes_ = np.unique(labels)
            if len(self.classes_) < 2:
                raise ValueError(
                    f"`y` must hold at least 2 classes. Received: one class, {self.classes_[0]!r}"
                )
        unknown = ~np.isin(labels, self.classes_)
        if unknown.any():
            raise ValueError(f"`y` must hold the classes of fit. Received: {labels[unknown][0]!r}")
        return np.eye(len(self.classes_), dtype=np.int64)[np.searchsorted(self.classes_, labels)]

    @staticmethod
    def _is_flat(images):
        return images.shape[1:3] == (1, 1)

    def _standardise(self, images):
        """Features of any unit become comparable; pixels are so already."""
        self.mean_, self.spread_ = 0.0, 1.0
        if self._is_flat(images):
            self.mean_, self.spread_ = images.mean(axis=0), images.std(axis=0)
            # Of a constant column nothing is left but zeros.
            self.spread_ = np.where(self.spread_ > 0, self.spread_, 1.0)

    def _scaled(self, images):
        if not self._is_flat(images):
            return images
        return ((images - self.mean_) / self.spread_).astype(np.float32)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Votes are a second form of y, and images a second form of X.
        tags.input_tags.three_d_array = True
        tags.target_tags.multi_output = False
        return tags
