"""Drawn faces, whose truth is known, and a small network's doubt of them."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.stats import spearmanr

import leak_test
from hetero_unc.data import load_synthetic_faces
from hetero_unc.inference import predict_passes
from hetero_unc.metrics import entropy, out_of_distribution_auroc

SETTINGS = dataclasses.replace(leak_test.Settings(), epochs=12, width=12)


@pytest.mark.end_to_end
def test_aleatoric_doubt_follows_the_true_ambiguity_and_epistemic_doubt_the_rare_faces():
    faces = load_synthetic_faces()
    training, scored = faces.rows_of("Training"), np.flatnonzero(faces.usage != "Training")
    images, votes = leak_test.as_pixels(faces.images), faces.votes[:, :9]
    model = leak_test.fit(images[training], votes[training], 0, settings=SETTINGS, head="softmax")
    doubt = predict_passes(model, images[scored], passes=20).summarise()
    rare = faces.rare[scored]
    truth = entropy(faces.true_shares[scored])
    assert spearmanr(doubt.aleatoric[~rare], truth[~rare]).statistic >= 0.8
    assert doubt.epistemic[rare].mean() > 1.5 * doubt.epistemic[~rare].mean()
    assert out_of_distribution_auroc(doubt.epistemic[~rare], doubt.epistemic[rare]) > 0.8


@pytest.mark.end_to_end
def test_the_whole_experiment_runs_and_writes_what_it_returns(tmp_path):
    result = leak_test.run(leak_test.SMOKE, tmp_path)
    written = json.loads((tmp_path / "leak_test.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(result))  # where a tuple is a list
    low, high = result["true_aleatoric"]
    assert 0.3 < low < high < np.log(9), "noise makes faces more ambiguous"
    assert result["sizes"] == [320, 80]
    for head in leak_test.HEADS:
        found = result[head]
        assert np.shape(found["aleatoric_by_noise"]) == (2, 1)
        assert found["aleatoric_by_noise"][0] == found["aleatoric_by_size"][0]
        assert 0 <= found["leak"]["noise"] <= 1


def test_every_training_takes_as_many_steps(monkeypatch):
    settings = dataclasses.replace(leak_test.SMOKE, width=2)
    steps = []

    class Counting(leak_test.keras.Sequential):
        def fit(self, batches, **options):
            steps.append(options["steps_per_epoch"])
            return super().fit(batches, **options)

    monkeypatch.setattr(leak_test.keras, "Sequential", Counting)
    faces = load_synthetic_faces(400)
    images, votes = leak_test.as_pixels(faces.images), faces.votes[:, :9]
    for size in (320, 80):
        leak_test.fit(images[:size], votes[:size], 0, settings=settings, head="softmax")
    assert steps == [5, 5]


def test_what_was_found_with_other_settings_is_found_anew(tmp_path, monkeypatch):
    asked = []

    def remember(settings, folder):
        asked.append(settings)
        found = {"settings": dataclasses.asdict(settings)}
        (folder / "leak_test.json").write_text(json.dumps(found))
        return found

    monkeypatch.setattr(leak_test, "run", remember)
    longer = dataclasses.replace(leak_test.SMOKE, epochs=2)
    for settings in (leak_test.SMOKE, leak_test.SMOKE, longer, longer):
        leak_test.run_once(settings, tmp_path)
    assert asked == [leak_test.SMOKE, longer]
