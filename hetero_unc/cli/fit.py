"""`hetero-unc fit`: a classifier from a folder of images and a table of votes."""

import dataclasses
import hashlib
import json
import math
import pathlib

import numpy as np

from hetero_unc.checks import check_count
from hetero_unc.cli.vote_options import add_table_options, read_table, table_notes

__all__ = ["SETTINGS_FILE", "add_parser", "roles_of", "run"]

SETTINGS_FILE = "classifier.json"
# Words of a `split` column, in any case.
TRAINING = ("train", "training")
VALIDATION = ("validation", "valid", "val", "dev")


@dataclasses.dataclass(frozen=True)
class Roles:
    """Rows of the vote table to train on and to watch, and a sentence on how they came about."""

    training: np.ndarray
    validation: np.ndarray
    how: str


def add_parser(commands):
    """Describe the command and its arguments."""
    parser = commands.add_parser(
        "fit",
        help="train a classifier on a folder of images and a table of votes",
        description="Trains a network with Gaussian logits on the votes, by their exact "
        "likelihood; RUN holds the model, its history and what `hetero-unc predict` needs. The "
        "same command goes on where it was stopped.",
    )
    parser.add_argument("images", metavar="IMAGES", help="folder of the images")
    parser.add_argument(
        "votes",
        metavar="VOTES",
        help="a .csv or .parquet file with a column `image`, a path below IMAGES, and counts of "
        "votes for each class, or a row an annotation, or a column `label`; optional `split`",
    )
    parser.add_argument("--out", required=True, metavar="RUN", help="folder of the run")
    parser.add_argument(
        "--backbone",
        default="compact",
        help="compact, small_cnn, inception_resnet_v1, a name of keras.applications, or the path "
        "of a .keras file of a network whose output is features (default: compact)",
    )
    parser.add_argument(
        "--frozen", action="store_true", help="leave the weights of a .keras backbone as they are"
    )
    parser.add_argument("--size", type=int, default=64, help="side of the images (default: 64)")
    parser.add_argument("--grey", action="store_true", help="one channel, not three")
    parser.add_argument("--epochs", type=int, default=30, help="(default: 30)")
    parser.add_argument("--batch-size", type=int, default=64, help="(default: 64)")
    parser.add_argument("--learning-rate", type=finite, default=1e-3, help="(default: 0.001)")
    parser.add_argument("--dropout", type=finite, default=0.3, help="rate (default: 0.3)")
    parser.add_argument("--rank", type=int, default=0, help="of the covariance (default: 0)")
    parser.add_argument(
        "--validation-share",
        type=finite,
        default=0.1,
        help="of the items, where the table has no split; equal files stay together (default: 0.1)",
    )
    add_table_options(parser)
    parser.set_defaults(run=run)


def finite(text):
    """A number for argparse, neither infinite nor NaN, which no run folder could record."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def run(arguments):
    """Train, save, and print how well the validation items are told."""
    from rich.console import Console

    from hetero_unc.data.image_folder import ImageFolder, find_images

    if not 0 < arguments.validation_share < 1:
        raise ValueError(
            "`--validation-share` must be above 0 and below 1. "
            f"Received: {arguments.validation_share}"
        )
    check_count(arguments.seed, name="seed", minimum=0)
    table = read_table(arguments)
    files = find_images(arguments.images, table.ids)
    channels = 1 if arguments.grey else 3
    images = ImageFolder(files, size=(arguments.size, arguments.size), channels=channels)
    digests = images.digests()
    roles = roles_of(table, digests, arguments.validation_share, arguments.seed)

    console = Console()
    console.print(
        f"{len(roles.training):,} items to train on, {len(roles.validation):,} to watch "
        f"({roles.how}); {len(table.classes)} classes",
        soft_wrap=True,
        highlight=False,
    )
    for note in table_notes(table):
        console.print(f"Note: {note}", soft_wrap=True, highlight=False, markup=False)
    numbers = train(arguments, table, images, digests, roles)
    console.print(
        f"On the watched items: {100 * numbers['accuracy']:.1f} % agree with most votes; a random "
        f"vote agrees with the prediction {100 * numbers['vote_agreement']:.1f} % of the time, and "
        f"the stated confidence is {100 * numbers['confidence']:.1f} %.",
        soft_wrap=True,
        highlight=False,
    )
    console.print(
        f"Next: hetero-unc predict {arguments.out} {arguments.images} --out predictions.npz",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    return 0


def train(arguments, table, images, digests, roles):
    """Fill the run folder; returns what was found on the validation items."""
    from hetero_unc.start_up import import_quietly

    import_quietly("keras")
    from hetero_unc.classifier import HeteroscedasticClassifier
    from hetero_unc.training import open_run_folder, save_model
    from hetero_unc.writing import write_json

    votes = table.votes
    parts = votes, roles.training, roles.validation
    content = "\n".join([*digests, *map(str, table.ids), *(str(part.tolist()) for part in parts)])
    settings = {
        name: getattr(arguments, name)
        for name in (
            "backbone", "frozen", "size", "grey", "epochs", "batch_size", "learning_rate",
            "dropout", "rank", "validation_share", "seed",
        )
    }  # fmt: skip
    settings |= {
        "classes": list(table.classes),
        "data": hashlib.sha256(content.encode()).hexdigest(),
    }
    if arguments.backbone.endswith(".keras"):
        settings["backbone_digest"] = digest_of(arguments.backbone)
    with open_run_folder(pathlib.Path(arguments.out), settings) as run_folder:
        classifier = HeteroscedasticClassifier(
            arguments.backbone,
            epochs=arguments.epochs,
            batch_size=arguments.batch_size,
            learning_rate=arguments.learning_rate,
            dropout=arguments.dropout,
            rank=arguments.rank,
            frozen=arguments.frozen,
            run_folder=run_folder,
            random_state=arguments.seed,
            verbose=2,
        )
        watched = images.take(roles.validation), votes[roles.validation]
        try:
            classifier.fit(
                images.take(roles.training), votes[roles.training], validation_data=watched
            )
        except (OSError, ValueError):
            # Nothing was trained: the folder is free for another configuration.
            if not (run_folder / "history.csv").exists():
                (run_folder / "config.json").unlink()
            raise
        save_model(classifier.model_, run_folder / "model.keras")
        probabilities = classifier.predict_proba(watched[0])
        numbers = judge(probabilities, watched[1])
        write_json(run_folder / "metrics.json", numbers)
        write_json(
            run_folder / SETTINGS_FILE,
            {
                **{name: settings[name] for name in ("size", "grey", "classes")},
                "seed": classifier.seed_,
                # By content, so that `predict` knows them in another folder, too.
                "validation": {str(table.ids[row]): digests[row] for row in roles.validation},
                "training": {str(table.ids[row]): digests[row] for row in roles.training},
            },
        )
    return numbers


def digest_of(path):
    """sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def judge(probabilities, votes):
    """Accuracy, agreement of a random vote with the prediction, and stated confidence."""
    predicted = probabilities.argmax(axis=1)
    rows = np.arange(len(votes))
    shares = votes / votes.sum(axis=1, keepdims=True)
    return {
        "items": len(votes),
        "accuracy": float((votes[rows, predicted] == votes.max(axis=1)).mean()),
        "vote_agreement": float(shares[rows, predicted].mean()),
        "confidence": float(probabilities.max(axis=1).mean()),
    }


def roles_of(table, digests, validation_share, seed):
    """Which rows are trained on and which are watched.

    By the `split` column where there is one: items of any other word are left alone. Without rows
    for validation, a share of the rest is taken, equal files together.

    Raises
    ------
    ValueError
        If nothing is left to train on, or to watch.
    """
    from sklearn.model_selection import GroupShuffleSplit

    rows = np.arange(len(table))
    how = f"a share of {validation_share:g}, equal files together"
    if table.split is not None:
        words = np.char.lower(table.split.astype(str))
        rows = np.flatnonzero(np.isin(words, TRAINING))
        validation = np.flatnonzero(np.isin(words, VALIDATION))
        if not len(rows):
            raise ValueError(
                f"`split` must say {' or '.join(TRAINING)} for some items. "
                f"Received: {', '.join(sorted(set(words)))}"
            )
        if len(validation):
            return Roles(rows, validation, "by the column split")
        how += ", of the items to train on"
    if len(np.unique(digests[rows])) < 2:
        raise ValueError(
            "Two different images are needed, one to train on and one to watch. "
            f"Received: {len(rows)} items"
        )
    splitter = GroupShuffleSplit(1, test_size=validation_share, random_state=seed)
    first, second = next(splitter.split(rows, groups=digests[rows]))
    return Roles(rows[first], rows[second], how)


def read_settings(run_folder):
    """What `fit` left for `predict`; `training` are the digests of the files trained on.

    Raises
    ------
    OSError, ValueError
        If the folder holds no finished run.
    """
    path = pathlib.Path(run_folder) / SETTINGS_FILE
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        found = {name: settings[name] for name in ("size", "grey", "classes", "seed")}
        return {**found, "training": frozenset(settings["training"].values())}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not whole: {error!r}. Run hetero-unc fit again") from error
