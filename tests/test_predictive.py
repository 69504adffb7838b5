"""Predictions on disk and in summary, held against a double loop and the metrics."""

import dataclasses
import math
import os
import pickle
import zipfile

import numpy as np
import pytest

from hetero_unc.metrics import entropy_decomposition
from hetero_unc.predictive import Predictive, PredictiveSummary

PASSES, ITEMS, CLASSES = 4, 7, 3


def arrays(seed=0, passes=PASSES, items=ITEMS, classes=CLASSES):
    """What a Gaussian head predicts: draws of the logits, reduced here once more by hand."""
    rng = np.random.default_rng(seed)
    loc = rng.normal(0, 2, (passes, items, classes))
    scale = rng.gamma(1.0, 1.0, (passes, items, classes))
    logits = loc + scale * rng.normal(size=(50, passes, items, classes))
    draws = np.exp(logits - logits.max(-1, keepdims=True))
    draws /= draws.sum(-1, keepdims=True)
    return {
        "probabilities": draws.mean(axis=0),
        "draw_entropy": -(draws * np.log(draws)).sum(-1).mean(axis=0),
        "draw_agreement": (draws**2).sum(-1).mean(axis=0),
        "loc": loc,
        "scale": scale,
    }


def predictive(seed=0, **kwargs):
    return Predictive(ids=np.array([f"item {n}" for n in range(ITEMS)]), **arrays(seed, **kwargs))


def entropy(row):
    return -sum(p * math.log(p) for p in map(float, row) if p > 0)


def assert_equal(one, other):
    for field in dataclasses.fields(one):
        first, second = getattr(one, field.name), getattr(other, field.name)
        assert (first is None) == (second is None), field.name
        if first is not None:
            np.testing.assert_array_equal(first, second, strict=True)


@pytest.mark.parametrize("parts", [["probabilities"], list(arrays())])
@pytest.mark.parametrize("ids", [None, np.arange(10, 17), ["ä", "b", "c", "d", "e", "f", "long"]])
def test_predictions_come_back_from_disk_to_the_bit(tmp_path, parts, ids):
    given = Predictive(ids=ids, **{name: arrays()[name] for name in parts})
    given.save(tmp_path / "predictive.npz")
    assert_equal(Predictive.load(tmp_path / "predictive.npz"), given)
    assert os.listdir(tmp_path) == ["predictive.npz"]


def test_the_file_opens_without_this_package_and_without_pickle(tmp_path):
    predictive().save(tmp_path / "predictive.npz")
    with np.load(tmp_path / "predictive.npz", allow_pickle=False) as archive:
        assert archive["probabilities"].dtype == np.float32
        assert archive["probabilities"].shape == (PASSES, ITEMS, CLASSES)


def test_what_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"predictive\.npz"):
        Predictive.load(tmp_path / "predictive.npz")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        Predictive.load(tmp_path)


def test_every_truncation_is_refused_by_name(tmp_path):
    path = tmp_path / "predictive.npz"
    predictive().save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"predictive\.npz"):
            Predictive.load(path)


def test_every_altered_byte_is_refused_by_name_or_changes_nothing(tmp_path):
    path = tmp_path / "predictive.npz"
    given = predictive()
    given.save(path)
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    refused = 0
    places = [*range(64), *rng.integers(0, len(whole), 300), *range(len(whole) - 64, len(whole))]
    for place in places:
        altered = whole.copy()
        altered[place] ^= int(rng.integers(1, 256))
        path.write_bytes(altered)
        try:
            again = Predictive.load(path)
        except ValueError as error:
            assert "predictive.npz" in str(error)  # noqa: PT017 (either outcome may be right)
            refused += 1
        else:
            assert_equal(again, given)  # a byte that carries nothing, such as a time stamp
    assert refused > 300


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + 18 * b"\0"])
def test_a_file_of_another_kind_is_refused_by_name(tmp_path, content):
    path = tmp_path / "predictive.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"predictive\.npz"):
        Predictive.load(path)


def test_a_single_array_is_refused_by_name(tmp_path):
    path = tmp_path / "predictive.npz"
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match=r"predictive\.npz"):
        Predictive.load(path)


def test_an_archive_that_this_package_did_not_write_is_refused(tmp_path):
    path = tmp_path / "predictive.npz"
    np.savez(path, probabilities=arrays()["probabilities"])
    with pytest.raises(ValueError, match=r"predictive\.npz must hold the format .*'none'"):
        Predictive.load(path)
    np.savez(path, format=np.array("hetero_unc.predictive.1"), other=np.zeros(3))
    with pytest.raises(ValueError, match=r"predictive\.npz must hold .*other"):
        Predictive.load(path)
    np.savez(path, format=np.array("hetero_unc.predictive.1"), ids=np.arange(3))
    with pytest.raises(ValueError, match=r"predictive\.npz"):
        Predictive.load(path)


class Explosive:
    """What an attacker would pickle."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize("inside", [True, False])
def test_pickles_are_refused_and_not_run(tmp_path, inside):
    path = tmp_path / "predictive.npz"
    if inside:
        predictive().save(path)
        np.save(tmp_path / "ids.npy", np.array([Explosive()]), allow_pickle=True)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        members["ids.npy"] = (tmp_path / "ids.npy").read_bytes()
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    else:
        path.write_bytes(pickle.dumps(Explosive()))
    with pytest.raises(ValueError, match=r"predictive\.npz .*: it is no npz, or holds pickles"):
        Predictive.load(path)


def test_a_file_whose_arrays_disagree_is_refused_by_name(tmp_path):
    path = tmp_path / "predictive.npz"
    parts = arrays()
    parts["scale"] = parts["scale"][:, :2]
    np.savez(path, format=np.array("hetero_unc.predictive.1"), **parts)
    with pytest.raises(ValueError, match=r"predictive\.npz.*`scale` must have shape"):
        Predictive.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probabilities": np.full((2, 3), 1 / 3)}, "`probabilities` must have 3 axes"),
        ({"probabilities": np.ones((2, 3, 1))}, "at least 2 classes"),
        ({"probabilities": np.zeros((0, 3, 2))}, "must not be empty"),
        ({"probabilities": np.full((1, 1, 2), np.nan)}, "must be finite"),
        ({"probabilities": np.array([[[1.5, -0.5]]])}, "`probabilities` must be >= 0"),
        ({"probabilities": np.full((1, 2, 2), 0.6)}, "must sum to 1. Received: a row off by 0.2"),
        ({"ids": np.arange(3)}, "`ids` must be 7 integers or strings"),
        ({"ids": np.arange(7.0)}, "`ids` must be 7 integers or strings. Received: dtype=float64"),
        ({"draw_entropy": np.zeros((PASSES, 2))}, "`draw_entropy` must have shape"),
        ({"loc": np.zeros((PASSES, ITEMS))}, "`loc` must have 3 axes"),
        ({"scale": np.full((PASSES, ITEMS, CLASSES), np.inf)}, "`scale` must be finite"),
    ],
)
def test_arrays_that_break_a_rule_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Predictive(**{**arrays(), **changes})


@pytest.mark.parametrize("noise", [True, False])
def test_the_summary_is_what_a_double_loop_finds(noise):
    given = arrays()
    if not noise:
        given = {"probabilities": given["probabilities"]}
    found = Predictive(**given).summarise()
    for n in range(ITEMS):
        rows = [np.float32(given["probabilities"][p, n]) for p in range(PASSES)]
        mean = [sum(float(row[k]) for row in rows) / PASSES for k in range(CLASSES)]
        aleatoric = sum(entropy(row) for row in rows) / PASSES
        within = aleatoric
        if noise:
            within = sum(given["draw_entropy"][p, n] for p in range(PASSES)) / PASSES
            scales = [given["scale"][p, n, k] for p in range(PASSES) for k in range(CLASSES)]
            assert found.mean_scale[n] == pytest.approx(sum(scales) / len(scales), rel=1e-6)
        np.testing.assert_allclose(found.probabilities[n], mean, rtol=1e-6)
        assert found.total[n] == pytest.approx(entropy(mean), abs=1e-6)
        assert found.aleatoric[n] == pytest.approx(aleatoric, abs=1e-6)
        assert found.epistemic[n] == pytest.approx(entropy(mean) - aleatoric, abs=1e-6)
        assert found.within_draw[n] == pytest.approx(within, abs=1e-6)
        assert found.logit_noise[n] == pytest.approx(aleatoric - within, abs=1e-6)
    assert (found.mean_scale is None) == (not noise)


@pytest.mark.parametrize("noise", [True, False])
def test_the_summary_agrees_with_the_metrics(noise):
    given = predictive()
    if not noise:
        given = Predictive(given.probabilities)
    found, expected = (
        given.summarise(),
        entropy_decomposition(given.probabilities, given.draw_entropy),
    )
    for name in ("total", "epistemic", "aleatoric", "logit_noise", "within_draw"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-12)
        assert (getattr(found, name) > -1e-6).all(), name


def test_one_pass_has_no_epistemic_part():
    one = Predictive(arrays()["probabilities"][:1])
    assert one.passes == 1
    np.testing.assert_array_equal(one.summarise().epistemic, np.zeros(ITEMS))


def test_certain_passes_have_no_doubt():
    sure = Predictive(np.tile([[[0.0, 1.0, 0.0]]], (PASSES, ITEMS, 1))).summarise()
    for name in ("total", "aleatoric", "epistemic", "logit_noise", "within_draw"):
        np.testing.assert_array_equal(getattr(sure, name), np.zeros(ITEMS))


def test_summaries_of_parts_are_the_summary_of_the_whole():
    whole = predictive()
    cuts = [(0, 1), (1, 5), (5, 7)]
    parts = [
        Predictive(
            **{
                name: value[start:end] if name == "ids" else value[:, start:end]
                for name, value in vars(whole).items()
            }
        ).summarise()
        for start, end in cuts
    ]
    joined = PredictiveSummary.concatenate(part for part in parts)
    assert len(joined) == len(whole) == ITEMS
    assert_equal(joined, whole.summarise())


def test_parts_of_different_heads_do_not_concatenate():
    with_scale = predictive().summarise()
    without = Predictive(arrays()["probabilities"]).summarise()
    with pytest.raises(ValueError, match="`parts` must agree: mean_scale"):
        PredictiveSummary.concatenate([with_scale, without])
    with pytest.raises(ValueError, match="`parts` must hold at least one"):
        PredictiveSummary.concatenate([])


def test_a_failing_save_leaves_the_previous_file(tmp_path, monkeypatch):
    path = tmp_path / "predictive.npz"
    predictive(0).save(path)

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match=r"Cannot write .*predictive\.npz: No space left"):
        predictive(1).save(path)
    assert_equal(Predictive.load(path), predictive(0))
    assert os.listdir(tmp_path) == ["predictive.npz"]


def test_the_fields_cannot_be_rebound():
    with pytest.raises(dataclasses.FrozenInstanceError):
        predictive().probabilities = None
