"""A run killed at any moment, and started again by the same command, ends as if it had not been.

On the CPU this holds to the bit. As a script this file is that command: train into a folder.
"""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
from keras import layers

from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import MarginalLikelihood
from hetero_unc.training import LocAccuracy, fit, open_run_folder, save_model
from hetero_unc.training.history import read_history

EPOCHS, STEPS, CLASSES = 8, 40, 3
ROOT = pathlib.Path(__file__).parents[2]


def train(folder, epochs=EPOCHS):
    """Dropout, augmentation, Adam with a cosine schedule, draws: all that a kill could upset."""
    rng = np.random.default_rng(0)
    images, labels = rng.random((50, 6, 6, 1), dtype=np.float32), rng.integers(0, CLASSES, 50)
    kernel = keras.initializers.GlorotUniform(1)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.RandomRotation(0.1, seed=2),
            layers.Conv2D(4, 3, activation="relu", kernel_initializer=kernel),
            layers.Flatten(),
            layers.Dropout(0.3, seed=3),
            GaussianLogits(CLASSES, seed=4),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-3, epochs * STEPS - 10, warmup_target=0.02, warmup_steps=10
    )
    model.compile(
        keras.optimizers.Adam(schedule),
        MarginalLikelihood(20, seed=5),
        metrics=[LocAccuracy(name="accuracy")],
    )
    with open_run_folder(folder, {"epochs": epochs}) as run_folder:
        history = fit(
            model,
            images,
            labels,
            folder=run_folder,
            epochs=epochs,
            num_classes=CLASSES,
            batch_size=8,
            steps_per_epoch=STEPS,
            validation_data=(images[:20], labels[:20]),
            seed=6,
            verbose=2,
        )
        save_model(model, run_folder / "model.keras")
    return history


def without_seconds(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


def assert_same_end(folder, whole):
    """The same history, and model files whose every variable is the same to the bit."""
    assert without_seconds(read_history(folder / "history.csv")) == without_seconds(
        read_history(whole / "history.csv")
    )
    one, other = (keras.models.load_model(path / "model.keras") for path in (folder, whole))
    for first, second in zip(
        (*one.weights, *one.optimizer.variables),
        (*other.weights, *other.optimizer.variables),
        strict=True,
    ):
        np.testing.assert_array_equal(first.numpy(), second.numpy(), err_msg=first.path)
    assert os.listdir(folder / "checkpoint") == os.listdir(whole / "checkpoint")
    assert not list(folder.rglob(".*"))


class KillingStream:
    """A standard output that kills its own process so many seconds into an epoch.

    A parent that reads the output can come too late on a busy machine. Here the last epoch does not
    begin before the signal is sent.
    """

    def __init__(self, stream, epoch, seconds, kind):
        self.stream, self.epoch = stream, epoch
        self.timer = threading.Timer(seconds, os.kill, (os.getpid(), kind))

    def write(self, text):
        self.stream.write(text)
        if f"Epoch {self.epoch}/" in text:
            self.timer.start()
        if f"Epoch {EPOCHS}/" in text:
            self.timer.join()

    def __getattr__(self, name):
        return getattr(self.stream, name)


def run_as_script(folder, *moment):
    return subprocess.run(
        [sys.executable, "-u", __file__, str(folder), *(str(part) for part in moment)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.slow
def test_a_killed_process_goes_on_and_ends_as_an_uninterrupted_one(tmp_path):
    moments = random.SystemRandom()  # other moments at every run of this test
    killed = []
    for kind, epochs in ((signal.SIGKILL, (1, 3)), (signal.SIGINT, (4, 5))):
        moment = moments.randint(*epochs), moments.uniform(0, 0.15), int(kind)
        process = run_as_script(tmp_path / "killed", *moment)
        killed.append((moment, process.returncode))
        assert process.returncode != 0, (killed, process.stdout)
        assert not (tmp_path / "killed" / "model.keras").exists()
    process = run_as_script(tmp_path / "killed")
    assert process.returncode == 0, (killed, process.stdout, process.stderr)
    train(tmp_path / "whole")
    assert_same_end(tmp_path / "killed", tmp_path / "whole")


@pytest.mark.slow
def test_every_state_that_a_kill_could_leave_on_disk_resumes(tmp_path, monkeypatch):
    """The folder is copied whenever it changes: with a file half-written, renamed, removed.

    Only the second of three epochs is looked at; each epoch writes the same files.
    """
    states = []

    def keep(event):
        states.append(tmp_path / f"{len(states)}-{event}")
        return shutil.copytree(tmp_path / "whole", states[-1])

    replace, unlink = os.replace, pathlib.Path.unlink

    def recording_replace(source, target):
        half = next(keep("half").rglob(source.name))
        half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
        replace(source, target)
        keep("renamed")

    def recording_unlink(path, missing_ok=False):
        unlink(path, missing_ok=missing_ok)
        keep("removed")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", recording_replace)
        patch.setattr("pathlib.Path.unlink", recording_unlink)
        train(tmp_path / "whole", epochs=3)
    second = [
        state
        for state in states
        if not (state / "model.keras").exists()
        and (state / "checkpoint" / "epoch-00001.npz").exists()
        and not (state / "checkpoint" / "epoch-00003.npz").exists()
    ]
    events = {state.name.partition("-")[2] for state in second}
    assert events == {"half", "renamed", "removed"}
    distinct = {}
    for state in second:
        files = sorted(
            (path.relative_to(state).as_posix().partition("unfinished")[0], path.read_bytes())
            for path in state.rglob("*")
            if path.is_file()
        )
        distinct.setdefault(str(files), state)
    assert len(distinct) >= 4
    for state in distinct.values():
        train(state, epochs=3)
        assert_same_end(state, tmp_path / "whole")


if __name__ == "__main__":
    if sys.argv[2:]:
        at_epoch, after, number = sys.argv[2:]
        # What a shell runs in the background inherits that interrupts are ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stdout = KillingStream(sys.stdout, int(at_epoch), float(after), int(number))
    train(pathlib.Path(sys.argv[1]))
