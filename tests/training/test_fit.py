"""Training with checks, checkpoints and a history: what goes in, what is refused, what resumes."""

import csv
import math
import os
import resource

import keras
import numpy as np
import pytest
from keras import layers

from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood, VoteLikelihood
from hetero_unc.training import LocAccuracy, fit

ITEMS, CLASSES, BATCH = 22, 3, 5
STEPS = 5  # batches a pass: four of five and one of two


def images(items=ITEMS):
    return np.random.default_rng(0).random((items, 4, 4, 1), dtype=np.float32)


LABELS = np.random.default_rng(1).integers(0, CLASSES, ITEMS)


def model(loss=None, optimizer=None, units=8):
    """All that could make a resumed run differ: dropout, augmentation, moments, a schedule."""
    kernel = keras.initializers.GlorotUniform(1)
    built = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.RandomFlip(seed=2),
            layers.Flatten(),
            layers.Dense(units, activation="relu", kernel_initializer=kernel),
            layers.BatchNormalization(),
            layers.Dropout(0.3, seed=3),
            GaussianLogits(CLASSES, seed=4),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(0.05, 4 * STEPS)
    built.compile(
        optimizer or keras.optimizers.Adam(schedule),
        loss or MarginalLikelihood(10, seed=5),
        metrics=[LocAccuracy(name="accuracy")],
    )
    return built


def train(folder, epochs=4, built=None, **kwargs):
    built = built or model()
    arguments = {
        "folder": folder,
        "epochs": epochs,
        "num_classes": CLASSES,
        "batch_size": BATCH,
        "verbose": 0,
        "seed": 7,
        **kwargs,
    }
    given = {"images": images(), "labels": LABELS}
    given |= {name: arguments.pop(name) for name in given if name in arguments}
    return fit(built, given["images"], given["labels"], **arguments), built


def weights_of(built):
    return [weight.numpy() for weight in built.weights]


def without_seconds(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


VALIDATION = {"validation_data": (images(9), LABELS[:9]), "validation_freq": 3}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """History and model of four epochs without an interruption."""
    return train(tmp_path_factory.mktemp("whole"), **VALIDATION)


def assert_same_weights(one, other):
    keras.tree.map_structure(np.testing.assert_array_equal, weights_of(one), weights_of(other))


def test_a_run_in_parts_ends_as_a_run_in_one(tmp_path, whole):
    for epochs in (1, 4):
        history, trained = train(tmp_path, epochs, **VALIDATION)
        assert len(history) == epochs
    np.testing.assert_equal(without_seconds(history), without_seconds(whole[0]))  # NaN equals NaN
    assert_same_weights(trained, whole[1])


def test_the_history_tells_epochs_looks_at_the_validation_data_and_rates(whole):
    history, _ = whole
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert [math.isnan(row["val_loss"]) for row in history] == [True, True, False, True]
    rates = [row["learning_rate"] for row in history]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-6)


def test_the_history_is_a_table_and_one_checkpoint_stays(tmp_path):
    history, _ = train(tmp_path, 2)
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{name: float(value) for name, value in row.items()} for row in rows] == history
    assert history[0].keys() == {"epoch", "accuracy", "loss", "learning_rate", "seconds"}
    assert os.listdir(tmp_path / "checkpoint") == ["epoch-00002.npz"]


def test_a_finished_run_is_read_and_not_repeated(tmp_path, monkeypatch):
    history, trained = train(tmp_path, 2)
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("it trained again"))
    again, fresh = train(tmp_path, 2)
    assert again == history
    assert_same_weights(fresh, trained)


def test_steps_between_checkpoints_need_not_be_passes(tmp_path, whole):
    """Twenty steps in parts of two and eighteen are those in four passes of five."""
    for epochs in (1, 10):
        history, trained = train(tmp_path, epochs, steps_per_epoch=2)
    assert len(history) == 10
    assert_same_weights(trained, whole[1])


def test_the_seed_decides_the_order(tmp_path):
    losses = [train(tmp_path / str(seed), 1, seed=seed)[0][0]["loss"] for seed in (7, 8)]
    assert losses[0] != losses[1]


def test_label_distributions_train(tmp_path):
    soft = np.random.default_rng(0).dirichlet(np.ones(CLASSES), ITEMS)
    history, _ = train(
        tmp_path,
        1,
        built=model(ExpectedCrossEntropy(10)),
        labels=soft,
        validation_data=(images(), soft),
    )
    assert math.isfinite(history[0]["loss"])
    assert math.isfinite(history[0]["val_loss"])


def test_votes_train_and_are_checked_as_counts(tmp_path):
    votes = np.random.default_rng(0).multinomial(10, np.ones(CLASSES) / CLASSES, ITEMS)
    history, _ = train(tmp_path / "votes", 1, built=model(VoteLikelihood()), labels=votes)
    assert math.isfinite(history[0]["loss"])
    votes[4] = 0
    with pytest.raises(ValueError, match=r"hold a vote.*Received: 1 of 22 .* the first row 4"):
        train(tmp_path / "empty", 1, built=model(VoteLikelihood()), labels=votes)
    assert not (tmp_path / "empty").exists()


def test_a_run_may_go_on_with_larger_images(tmp_path):
    def any_size():
        built = keras.Sequential(
            [
                keras.Input((None, None, 1)),
                layers.Conv2D(4, 3, padding="same", kernel_initializer="ones"),
                layers.GlobalAveragePooling2D(),
                GaussianLogits(CLASSES, seed=4),
            ]
        )
        built.compile("sgd", MarginalLikelihood())
        return built

    larger = np.random.default_rng(0).random((ITEMS, 6, 6, 1), dtype=np.float32)
    train(tmp_path, 1, built=any_size())
    history, _ = train(tmp_path, 2, built=any_size(), images=larger)
    assert [row["epoch"] for row in history] == [1, 2]


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
    tmp_path, shared_model, which, labels, message
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
    tmp_path, shared_model, given, message
):
    with pytest.raises(ValueError, match=message):
        train(tmp_path, built=shared_model, **given)
    assert os.listdir(tmp_path) == []


@pytest.fixture(scope="module")
def shared_model():
    """For tests in which it takes no step."""
    return model()


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
    tmp_path, step, noticed
):
    with pytest.raises(FloatingPointError, match=f"at step {noticed}; .*/dense") as caught:
        train(tmp_path, built=model(optimizer=keras.optimizers.SGD(Exploding(step))))
    assert "weights are not finite, the first is" in str(caught.value)
    assert os.listdir(tmp_path / "checkpoint") == ["epoch-00001.npz"]
    history, trained = train(
        tmp_path, 2, built=model(optimizer=keras.optimizers.SGD(Exploding(1000)))
    )
    assert len(history) == 2
    assert all(np.isfinite(weight).all() for weight in weights_of(trained))


def test_a_loss_that_is_no_number_while_the_weights_are_is_told_apart(tmp_path):
    class Broken(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return keras.ops.sum(y_pred, axis=(1, 2)) + keras.ops.stop_gradient(math.nan)

    with pytest.raises(FloatingPointError, match="all weights are finite, so the data or the loss"):
        train(tmp_path, built=model(Broken(), keras.optimizers.SGD(0.0)))


def refuse_after(calls):
    """`os.replace` that works so often, and then finds the disk full."""
    replace, left = os.replace, [calls]

    def refusing(*args):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        replace(*args)

    return refusing


# Each epoch renames two files: the history, then the checkpoint.
@pytest.mark.parametrize(("calls", "file"), [(2, "history"), (3, "epoch-00002")])
def test_a_full_disk_is_named_and_the_run_goes_on_once_there_is_space(
    tmp_path, monkeypatch, whole, calls, file
):
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", refuse_after(calls))
        with pytest.raises(OSError, match=rf"Cannot write .*{file}.*: No space left on device"):
            train(tmp_path, **VALIDATION)
    assert sorted(os.listdir(tmp_path)) == ["checkpoint", "history.csv"]
    assert os.listdir(tmp_path / "checkpoint") == ["epoch-00001.npz"]
    history, trained = train(tmp_path, **VALIDATION)
    np.testing.assert_equal(without_seconds(history), without_seconds(whole[0]))
    assert_same_weights(trained, whole[1])


def test_a_checkpoint_that_the_kernel_cuts_short_is_never_there(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match=r"Cannot write .*epoch-00001\.npz"):
            train(tmp_path, built=model(units=400))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path / "checkpoint") == []


def test_a_read_only_folder_is_named(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(OSError, match=r"Cannot write .*history\.csv: Read-only file system"):
        train(tmp_path)
    assert os.listdir(tmp_path) == []


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
def test_a_broken_history_is_refused_by_name(tmp_path, shared_model, content, message):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "epoch-00001.npz").touch()
    if content is not None:
        (tmp_path / "history.csv").write_text(content)
    with pytest.raises(ValueError, match=rf"history\.csv.*{message}|{message}"):
        train(tmp_path, built=shared_model)
