"""`hetero-unc predict`: probabilities and doubt of each image of a folder."""

import pathlib

import numpy as np

from hetero_unc.cli.fit import digest_of, read_settings

__all__ = ["add_parser", "run"]

COLUMNS = ("id", "predicted", "confidence", "total", "aleatoric", "epistemic", "logit_noise")


def add_parser(commands):
    """Describe the command and its arguments."""
    parser = commands.add_parser(
        "predict",
        help="predict a folder of images with a classifier that `fit` trained",
        description="Dropout passes for every image below IMAGES; the file is what `hetero-unc "
        "audit` reads. Images are read part by part, and the same command goes on where it was "
        "stopped.",
    )
    parser.add_argument("run_folder", metavar="RUN", help="folder that `hetero-unc fit` filled")
    parser.add_argument("images", metavar="IMAGES", help="folder of the images")
    parser.add_argument("--passes", type=int, default=100, help="dropout passes (default: 100)")
    parser.add_argument(
        "--out", required=True, metavar="FILE.npz", help="predictions, pass by pass"
    )
    parser.add_argument(
        "--items",
        metavar="FILE",
        help="a .csv or .parquet file of the doubt of each image, in nats; by default beside the "
        "predictions, FILE.csv",
    )
    parser.add_argument("--part", type=int, default=512, help="images at a time (default: 512)")
    parser.set_defaults(run=run)


def run(arguments):
    """Write the predictions and the table of items."""
    from rich.console import Console
    from rich.progress import Progress

    from hetero_unc.data.image_folder import SUFFIXES, ImageFolder, find_images

    out = pathlib.Path(arguments.out)
    if out.suffix != ".npz":
        raise ValueError(f"`--out` must end in .npz. Received: {arguments.out}")
    items = pathlib.Path(arguments.items or out.with_suffix(".csv"))
    if items.suffix not in (".csv", ".parquet"):
        raise ValueError(f"`--items` must end in .csv or .parquet. Received: {arguments.items}")
    settings = read_settings(arguments.run_folder)
    root = pathlib.Path(arguments.images)
    if not root.is_dir():
        raise NotADirectoryError(f"IMAGES must be a folder. Received: {arguments.images}")
    ids = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    if not ids:
        raise ValueError(
            f"IMAGES must hold images ({', '.join(SUFFIXES)}). "
            f"Received: {arguments.images} with none"
        )
    size = (settings["size"], settings["size"])
    files = find_images(root, ids)
    images = ImageFolder(files, size=size, channels=1 if settings["grey"] else 3)

    from hetero_unc.start_up import import_quietly

    import_quietly("keras")
    from hetero_unc.inference import MonteCarloDropout
    from hetero_unc.inference.streaming import predict_to_file
    from hetero_unc.training import load_model

    model_path = pathlib.Path(arguments.run_folder) / "model.keras"
    monte_carlo = MonteCarloDropout(
        load_model(model_path),
        passes=arguments.passes,
        masks="per_pass",
        seed=settings["seed"],
    )
    console = Console()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("images", total=len(ids))
        summary = predict_to_file(
            monte_carlo,
            images,
            ids,
            out,
            classes=settings["classes"],
            settings={"passes": arguments.passes, "model": digest_of(model_path)},
            trained_on=[digest in settings["training"] for digest in images.digests()],
            part=arguments.part,
            report=lambda done: progress.update(task, completed=done),
        )
    write_items(items, summary, settings["classes"])
    console.print(f"Written to {out} and {items}", soft_wrap=True, highlight=False, markup=False)
    return 0


def write_items(path, summary, classes):
    """A row an image: predicted class, confidence, parts of the doubt."""
    from hetero_unc.data.csv_writing import write_csv
    from hetero_unc.writing import write_atomically

    predicted = summary.probabilities.argmax(axis=1)
    columns = {
        "id": summary.ids.astype(str).tolist(),
        "predicted": [str(classes[number]) for number in predicted],
        "confidence": np.round(summary.probabilities.max(axis=1), 6).tolist(),
    }
    for name in COLUMNS[3:]:
        columns[name] = np.round(getattr(summary, name), 6).tolist()
    if path.suffix == ".csv":
        write_csv(path, COLUMNS, zip(*columns.values(), strict=True))
        return
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ValueError(
            "A .parquet file needs pyarrow: pip install 'hetero_unc[audit]'"
        ) from error
    with write_atomically(path) as temporary:
        parquet.write_table(pyarrow.table(columns), temporary)
