"""FER+ by TensorFlow Datasets, run for real on small csv files."""

import numpy as np
import pytest

tfds = pytest.importorskip("tensorflow_datasets")
pytest.importorskip("tensorflow")

from hetero_unc.data.ferplus import CLASSES_9, fer_label_to_ferplus  # noqa: E402
from hetero_unc.data.ferplus_builder import FER_LABELS, FerPlusBuilder  # noqa: E402

HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)
USAGES = ("Training", "Training", "PublicTest", "PrivateTest", "Training")


@pytest.fixture
def manual_dir(tmp_path, monkeypatch):
    """Five rows in two csv files; row r shows grey value r."""
    folder = tmp_path / "manual"
    folder.mkdir()
    images = ["emotion,pixels,Usage"]
    votes = [HEADER]
    for row, usage in enumerate(USAGES):
        images.append(f"{row},{' '.join([str(row)] * 2304)},{usage}")
        votes.append(f"{usage},fer{row}.png,{row},{10 - row},0,0,0,0,0,0,0,0")
    (folder / "fer2013.csv").write_text("\n".join(images) + "\n")
    (folder / "fer2013new.csv").write_text("\n".join(votes) + "\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def prepare(folder, manual_dir):
    builder = FerPlusBuilder(data_dir=folder)
    config = tfds.download.DownloadConfig(manual_dir=manual_dir)
    builder.download_and_prepare(download_config=config)
    return builder


def test_each_row_comes_back_in_its_split(tmp_path, manual_dir, monkeypatch):
    monkeypatch.setattr(FerPlusBuilder, "DIGEST", None)
    builder = prepare(tmp_path / "prepared", manual_dir)
    found = {}
    for split, rows in {"train": {0, 1, 4}, "public_test": {2}, "private_test": {3}}.items():
        examples = list(tfds.as_numpy(builder.as_dataset(split=split)))
        assert {int(example["row"]) for example in examples} == rows
        found |= {int(example["row"]): example for example in examples}
    for row, example in found.items():
        np.testing.assert_array_equal(example["image"], np.full((48, 48, 1), row, np.uint8))
        assert example["votes"].tolist() == [row, 10 - row] + [0] * 8
        assert example["label"] == row
        assert example["name"] == f"fer{row}.png".encode()


def test_files_that_are_not_the_published_ones_are_refused(tmp_path, manual_dir):
    with pytest.raises(ValueError, match=r"must hold FER\+ as published"):
        prepare(tmp_path / "prepared", manual_dir)
    assert not list((tmp_path / "prepared").rglob("*.tfrecord*"))


def test_without_files_the_instructions_are_given(tmp_path):
    with pytest.raises(AssertionError, match=r"fer2013new\.csv"):
        prepare(tmp_path / "prepared", tmp_path / "nowhere")


def test_labels_are_named_in_the_order_of_fer():
    classes = fer_label_to_ferplus(np.arange(len(FER_LABELS)))
    assert [CLASSES_9[label] for label in classes] == list(FER_LABELS)
