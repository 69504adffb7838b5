"""Checkpoints hold all that the next step depends on, and are whole or refused."""

import keras
import numpy as np
import pytest
from keras import layers

from hetero_unc.training.checkpoint import Checkpoint, latest_checkpoint, restore

INPUTS = np.random.default_rng(0).random((6, 4, 4, 1), dtype=np.float32)
LABELS = np.arange(6) % 3


def model(units=5, optimizer="adam"):
    built = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.RandomFlip(seed=1),
            layers.Flatten(),
            layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(2)),
            layers.BatchNormalization(),
            layers.Dropout(0.5, seed=3),
            layers.Dense(3, kernel_initializer=keras.initializers.GlorotUniform(4)),
        ]
    )
    built.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return built


def train(built, steps=3):
    return [built.train_on_batch(INPUTS, LABELS) for _ in range(steps)]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A trained model, and the checkpoint that the callback wrote of it."""
    built, folder = model(), tmp_path_factory.mktemp("checkpoint")
    train(built)
    callback = Checkpoint(folder, [], lambda rows: None)
    callback.set_model(built)
    callback.on_epoch_begin(0)
    callback.on_epoch_end(0)
    return built, folder / "epoch-00001.npz"


def state_of(built):
    return [variable.numpy() for variable in (*built.variables, *built.optimizer.variables)]


def test_every_variable_comes_back(saved):
    trained, path = saved
    fresh = model()
    restore(fresh, path)
    names = [v.path for v in (*trained.variables, *trained.optimizer.variables)]
    assert sum("seed_generator" in name for name in names) == 2
    for name, one, other in zip(names, state_of(trained), state_of(fresh), strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)


def test_the_next_steps_are_the_same_to_the_bit(saved):
    trained, path = saved
    one, other = model(), model()
    for built in (one, other):
        restore(built, path)
    assert train(one) == train(other)
    keras.tree.map_structure(np.testing.assert_array_equal, state_of(one), state_of(other))
    assert not np.array_equal(one.variables[2].numpy(), trained.variables[2].numpy())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_checkpoint_is_refused_by_name(saved, tmp_path, share):
    path, whole = tmp_path / saved[1].name, saved[1].read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"epoch-00001\.npz is not a whole checkpoint: .*Delete"):
        restore(model(), path)


def test_an_altered_checkpoint_is_refused_by_name_and_changes_nothing(saved, tmp_path):
    built = model()
    before = [variable.numpy() for variable in built.variables]
    whole = saved[1].read_bytes()
    for place in np.random.default_rng(0).integers(0, len(whole), 60):
        altered = bytearray(whole)
        altered[place] ^= 85
        path = tmp_path / saved[1].name
        path.write_bytes(altered)
        try:
            restore(built, path)
        except ValueError as error:
            assert "epoch-00001.npz" in str(error)  # noqa: PT017 (either outcome may be right)
            for variable, value in zip(built.variables, before, strict=True):
                np.testing.assert_array_equal(variable.numpy(), value)
        else:  # a byte that carries nothing, such as a time stamp
            keras.tree.map_structure(
                np.testing.assert_array_equal, state_of(built), state_of(saved[0])
            )
            built = model()


@pytest.mark.parametrize("other", [{"units": 6}, {"optimizer": "sgd"}])
def test_a_checkpoint_of_another_model_is_refused_by_name(saved, other):
    with pytest.raises(ValueError, match=r"epoch-00001\.npz is of another model: .* differ"):
        restore(model(**other), saved[1])


def test_the_newest_whole_checkpoint_is_found(tmp_path):
    assert latest_checkpoint(tmp_path) == (0, None)
    assert latest_checkpoint(tmp_path / "missing") == (0, None)
    for name in (
        "epoch-00002.npz",
        "epoch-00010.npz",
        ".unfinished-epoch-00011-abcd.npz",
        "epoch-00012.npz.part",
        "epoch-13.npz",
        "epoch-0001x.npz",
    ):
        (tmp_path / name).touch()
    assert latest_checkpoint(tmp_path) == (10, tmp_path / "epoch-00010.npz")
