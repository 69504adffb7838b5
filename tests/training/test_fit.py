"""Training with checkpoints and a history: what goes in, what resumes, what a full disk leaves."""

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

ITEMS, CLASSES, BATCH, STEPS = 22, 3, 5, 5


def images(items=ITEMS):
    return np.random.default_rng(0).random((items, 4, 4, 1), dtype=np.float32)


LABELS = np.random.default_rng(1).integers(0, CLASSES, ITEMS)


def weights_of(built):
    return [weight.numpy() for weight in built.weights]


def without_seconds(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


VALIDATION = {"validation_data": (images(9), LABELS[:9]), "validation_freq": 3}


@pytest.fixture(scope="module")
def whole(train, tmp_path_factory):
    """History and model of four epochs without an interruption."""
    return train(tmp_path_factory.mktemp("whole"), **VALIDATION)


def assert_same_weights(one, other):
    keras.tree.map_structure(np.testing.assert_array_equal, weights_of(one), weights_of(other))


def test_a_run_in_parts_ends_as_a_run_in_one(train, tmp_path, whole):
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


def test_the_history_is_a_table_and_one_checkpoint_stays(train, tmp_path):
    history, _ = train(tmp_path, 2)
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{name: float(value) for name, value in row.items()} for row in rows] == history
    assert history[0].keys() == {"epoch", "accuracy", "loss", "learning_rate", "seconds"}
    assert os.listdir(tmp_path / "checkpoint") == ["epoch-00002.npz"]


def test_a_finished_run_is_read_and_not_repeated(train, tmp_path, monkeypatch):
    history, trained = train(tmp_path, 2)
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("it trained again"))
    again, fresh = train(tmp_path, 2)
    assert again == history
    assert_same_weights(fresh, trained)


def test_steps_between_checkpoints_need_not_be_passes(train, tmp_path, whole):
    """Twenty steps in parts of two and eighteen are those in four passes of five."""
    for epochs in (1, 10):
        history, trained = train(tmp_path, epochs, steps_per_epoch=2)
    assert len(history) == 10
    assert_same_weights(trained, whole[1])


def test_the_seed_decides_the_order(train, tmp_path):
    losses = [train(tmp_path / str(seed), 1, seed=seed)[0][0]["loss"] for seed in (7, 8)]
    assert losses[0] != losses[1]


def test_label_distributions_train(train, small_model, tmp_path):
    soft = np.random.default_rng(0).dirichlet(np.ones(CLASSES), ITEMS)
    history, _ = train(
        tmp_path,
        1,
        built=small_model(ExpectedCrossEntropy(10)),
        labels=soft,
        validation_data=(images(), soft),
    )
    assert math.isfinite(history[0]["loss"])
    assert math.isfinite(history[0]["val_loss"])


def test_votes_train_and_are_checked_as_counts(train, small_model, tmp_path):
    votes = np.random.default_rng(0).multinomial(10, np.ones(CLASSES) / CLASSES, ITEMS)
    history, _ = train(tmp_path / "votes", 1, built=small_model(VoteLikelihood()), labels=votes)
    assert math.isfinite(history[0]["loss"])
    votes[4] = 0
    with pytest.raises(ValueError, match=r"hold a vote.*Received: 1 of 22 .* the first row 4"):
        train(tmp_path / "empty", 1, built=small_model(VoteLikelihood()), labels=votes)
    assert not (tmp_path / "empty").exists()


def test_a_run_may_go_on_with_larger_images(train, tmp_path):
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
    train, tmp_path, monkeypatch, whole, calls, file
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


def test_a_checkpoint_that_the_kernel_cuts_short_is_never_there(train, small_model, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match=r"Cannot write .*epoch-00001\.npz"):
            train(tmp_path, built=small_model(units=400))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path / "checkpoint") == []


def test_a_read_only_folder_is_named(train, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(OSError, match=r"Cannot write .*history\.csv: Read-only file system"):
        train(tmp_path)
    assert os.listdir(tmp_path) == []
