"""Training that is refused before its first step, and training whose loss is no number."""

import math
import os

import keras
import numpy as np
import pytest

ITEMS, CLASSES, STEPS = 22, 3, 5


def images(items=ITEMS):
    return np.random.default_rng(0).random((items, 4, 4, 1), dtype=np.float32)


LABELS = np.random.default_rng(1).integers(0, CLASSES, ITEMS)


def labels_with(value):
    labels = LABELS.copy()
    labels[4] = value
    return labels


def rows_with(row):
    rows = np.full((ITEMS, CLASSES), 1 / CLASSES)
    rows[4] = row
    return rows


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (labels_with(3), r"must lie in \[0, 3\). Received: 1 of 22 outside, the first .*\[4\]=3"),
        (labels_with(-1), r"must lie in \[0, 3\). Received: 1 of 22 outside, the first .*\[4\]=-1"),
        (LABELS.astype(float), "must be integers. Received: dtype=float64"),
        (np.where(LABELS == 0, np.nan, LABELS), "must be integers. Received: .* NaN of 22"),
        (rows_with([0.5, 0.5, 0.2]), "must sum to 1.*Received: row 4 sums to 1.2"),
        (rows_with([1.5, -0.5, 0.0]), "must be >= 0. Received: row 4"),
        (rows_with([np.nan, 0.5, 0.5]), "must be finite"),
        (np.full((ITEMS, 4), 0.25), "must have 3 columns. Received: shape=\\(22, 4\\)"),
        (LABELS[:, None], "at least 2 classes"),
        (LABELS[:9], "must have the same length. Received: 9 labels, 22 images"),
        (LABELS[:0], "must not be empty"),
        (np.array(["a"] * ITEMS), "must be integers. Received: dtype=<U1"),
    ],
)
@pytest.mark.parametrize("which", ["labels", "validation labels"])
def test_labels_that_break_a_rule_are_refused_before_any_step(
    train, tmp_path, shared_model, which, labels, message
):
    given = {"labels": labels} if which == "labels" else {"validation_data": (images(), labels)}
    with pytest.raises(ValueError, match=f"`{which}`.*{message}|`{which}` {message}"):
        train(tmp_path, built=shared_model, **given)
    assert os.listdir(tmp_path) == []


def images_with(value):
    broken = images()
    broken[3, 1, 2, 0] = broken[5, 0, 0, 0] = value
    return broken


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"images": images_with(np.nan)}, "`images` must be finite. Received: 2 NaN or infinite"),
        ({"images": images_with(np.inf)}, "`images` must be finite. Received: 2 NaN or infinite"),
        ({"images": images()[..., [0, 0, 0]]}, r"\(N, 4, 4, 1\).*shape=\(22, 4, 4, 3\)"),
        ({"images": images()[:0]}, "`images` must not be empty"),
        ({"images": images()[..., 0]}, "`images` must have 4 axes"),
        ({"epochs": 0}, "`epochs` must be an integer >= 1. Received: epochs=0"),
        ({"batch_size": 0}, "`batch_size` must be an integer >= 1"),
        ({"steps_per_epoch": 0}, "`steps_per_epoch` must be an integer >= 1"),
        ({"validation_freq": 0}, "`validation_freq` must be an integer >= 1"),
        ({"num_classes": 1, "labels": np.zeros(ITEMS, int)}, "`num_classes` must be at least 2"),
    ],
)
def test_settings_that_break_a_rule_are_refused_before_any_step(
    train, tmp_path, shared_model, given, message
):
    with pytest.raises(ValueError, match=message):
        train(tmp_path, built=shared_model, **given)
    assert os.listdir(tmp_path) == []


@pytest.fixture(scope="module")
def shared_model(small_model):
    """For tests in which it takes no step."""
    return small_model()


class Exploding(keras.optimizers.schedules.LearningRateSchedule):
    """Plain steps, the first being 1, and from `step` on infinite ones."""

    def __init__(self, step):
        self.step = step

    def __call__(self, step):
        return keras.ops.where(step + 1 < self.step, 0.01, math.inf)


# Nothing is left of an epoch that broke, be it in its middle or with its last step, whose loss
# was finite because it was computed before the update.
@pytest.mark.parametrize(("step", "noticed"), [(STEPS + 2, STEPS + 3), (2 * STEPS, 2 * STEPS)])
def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_checkpoint(
    train, small_model, tmp_path, step, noticed
):
    with pytest.raises(FloatingPointError, match=f"at step {noticed}; .*/dense") as caught:
        train(tmp_path, built=small_model(optimizer=keras.optimizers.SGD(Exploding(step))))
    assert "weights are not finite, the first is" in str(caught.value)
    assert os.listdir(tmp_path / "checkpoint") == ["epoch-00001.npz"]
    history, trained = train(
        tmp_path, 2, built=small_model(optimizer=keras.optimizers.SGD(Exploding(1000)))
    )
    assert len(history) == 2
    assert all(np.isfinite(weight.numpy()).all() for weight in trained.weights)


def test_a_loss_that_is_no_number_while_the_weights_are_is_told_apart(train, small_model, tmp_path):
    class Broken(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return keras.ops.sum(y_pred, axis=(1, 2)) + keras.ops.stop_gradient(math.nan)

    with pytest.raises(FloatingPointError, match="all weights are finite, so the data or the loss"):
        train(tmp_path, built=small_model(Broken(), keras.optimizers.SGD(0.0)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not the history of a run: .*No such file"),
        ("epoch,loss\n1,zero\n", "is not the history of a run: could not convert"),
        ("epoch,loss\n2,0.5\n", "is not the history of a run: its epochs are not 1, 2, 3"),
        ("loss\n0.5\n", "is not the history of a run"),
        ("epoch,loss\n1,0.5,7\n", "is not the history of a run"),
        ("", "is of epoch 1, but history.csv has 0 epochs"),
    ],
)
def test_a_broken_history_is_refused_by_name(train, tmp_path, shared_model, content, message):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "epoch-00001.npz").touch()
    if content is not None:
        (tmp_path / "history.csv").write_text(content)
    with pytest.raises(ValueError, match=rf"history\.csv.*{message}|{message}"):
        train(tmp_path, built=shared_model)
