"""FER+ as a data set of TensorFlow Datasets, from csv files that a person has fetched.

Not imported by the room's `__init__`: importing it registers `tfds.load("fer_plus")` and takes
seconds.
"""

import numpy as np
import tensorflow_datasets as tfds

from hetero_unc.data.ferplus_csv import IMAGE_SIDE, VOTES_COLUMNS
from hetero_unc.data.ferplus_reading import PUBLISHED_DIGEST, load_ferplus

__all__ = ["FER_LABELS", "FerPlusBuilder"]

FER_LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
DESCRIPTION = """\
FER+ (Barsoum et al., 2016): 35,887 grey faces of 48 x 48 pixels from FER2013 (Goodfellow et al.,
2013), each with the votes of ten people on its expression. Splits are named after the published
parts; the paper behind this package tests on public_test, FERPlus on private_test."""
MANUAL = """\
Put fer2013.csv (FER2013, from its Kaggle challenge) and fer2013new.csv (from
https://github.com/microsoft/FERPlus) into manual_dir."""
CITATION = """\
@inproceedings{barsoum2016training,
  title={Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
         Distribution},
  author={Barsoum, Emad and Zhang, Cha and Canton Ferrer, Cristian and Zhang, Zhengyou},
  booktitle={ACM International Conference on Multimodal Interaction},
  year={2016}
}"""
SPLITS = {"train": "Training", "public_test": "PublicTest", "private_test": "PrivateTest"}


class FerPlusBuilder(tfds.core.GeneratorBasedBuilder):
    """Prepares FER+; checks its content before anything is written.

    An example is a dict of `image` (uint8, 48 x 48 x 1), `votes` (int64, 10: the columns of
    `VOTES_COLUMNS`), `label` (FER2013's, see `FER_LABELS`), `name` (FER+'s, may be empty) and
    `row` (position in the published files, the only unique name).
    """

    name = "fer_plus"
    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = MANUAL
    # What the files must hold; None takes others in the same form.
    DIGEST = PUBLISHED_DIGEST

    def _info(self):
        return self.dataset_info_from_configs(
            description=DESCRIPTION,
            citation=CITATION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(IMAGE_SIDE, IMAGE_SIDE, 1)),
                    "votes": tfds.features.Tensor(shape=(len(VOTES_COLUMNS),), dtype=np.int64),
                    "label": tfds.features.ClassLabel(names=list(FER_LABELS)),
                    "name": tfds.features.Text(),
                    "row": tfds.features.Scalar(dtype=np.int64),
                }
            ),
            supervised_keys=("image", "votes"),
        )

    def _split_generators(self, dl_manager):
        ferplus = load_ferplus(dl_manager.manual_dir, digest=self.DIGEST)
        return {
            split: self._generate_examples(ferplus, ferplus.rows_of(usage))
            for split, usage in SPLITS.items()
        }

    def _generate_examples(self, ferplus, rows):
        for row in rows.tolist():
            yield (
                row,
                {
                    "image": ferplus.images[row],
                    "votes": ferplus.votes[row],
                    "label": int(ferplus.emotion[row]),
                    "name": str(ferplus.names[row]),
                    "row": row,
                },
            )
