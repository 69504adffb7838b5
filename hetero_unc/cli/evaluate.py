"""`hetero-unc evaluate`: how good predictions are, from files alone. Needs no framework."""

import csv
import pathlib

import numpy as np

from hetero_unc.checks import check_predictions

__all__ = ["add_parser", "evaluate_predictive", "read_labels", "run"]

LABEL_COLUMN = "label"
ID_COLUMN = "id"


def add_parser(commands):
    """Describe the command and its arguments."""
    parser = commands.add_parser(
        "evaluate",
        help="judge the predictions in a predictive.npz against true labels",
        description="Accuracy, calibration and worth of the uncertainties of predictions in a "
        "file. Entropies are in nats.",
    )
    parser.add_argument(
        "predictive", metavar="PREDICTIVE.npz", help="as hetero_unc.predictive.Predictive saves it"
    )
    parser.add_argument(
        "--labels",
        required=True,
        metavar="LABELS",
        help="true classes: a .npy file of integers in the order of the predictions, or a .csv "
        f"file with a column '{LABEL_COLUMN}' in that order, or matched by a column '{ID_COLUMN}'",
    )
    parser.add_argument(
        "--bins", type=int, default=15, help="bins of the calibration errors (default: 15)"
    )
    parser.add_argument("--json", metavar="OUT", help="also write the numbers to this file")
    parser.set_defaults(run=run)


def run(arguments):
    """Print the table, write the json file if asked."""
    from rich.console import Console
    from rich.table import Table

    from hetero_unc.predictive import Predictive
    from hetero_unc.writing import write_json

    predictive = Predictive.load(arguments.predictive)
    labels = read_labels(arguments.labels, predictive.ids)
    results = evaluate_predictive(predictive, labels, bins=arguments.bins)
    if arguments.json:
        write_json(arguments.json, results)

    passes, items, classes = predictive.probabilities.shape
    table = Table(title=f"{items:,} items, {classes} classes, passes: {passes}")
    table.add_column("quantity")
    table.add_column("value", justify="right")
    table.add_column("best", style="dim")
    for name, best in BEST.items():
        value = results[name]
        table.add_row(name.replace("_", " "), "none" if value is None else f"{value:.5f}", best)
    console = Console()
    console.print(table)
    if results["error_detection_auroc"] is None:
        console.print("No AUROC: it needs at least one right and one wrong prediction.")
    if arguments.json:
        console.print(f"Written to {arguments.json}", soft_wrap=True, highlight=False)
    return 0


# Each number that is reported, and where its best is; none where more is neither good nor bad.
BEST = {
    "accuracy": "1",
    "log_loss": "0",
    "brier_score": "0",
    "expected_calibration_error": "0",
    "debiased_calibration_error": "0",
    "maximum_calibration_error": "0",
    "area_under_risk_coverage_curve": "0",
    "excess_area_under_risk_coverage_curve": "0",
    "error_detection_auroc": "1",
    "mean_total_uncertainty": "",
    "mean_aleatoric_uncertainty": "",
    "mean_epistemic_uncertainty": "",
}


def evaluate_predictive(predictive, labels, *, bins=15):
    """All that the table shows.

    Parameters
    ----------
    predictive : Predictive
        N items of C classes.
    labels : array of int, shape (N,)
        In [0, C).
    bins : int, default=15
        Bins of equal width of the calibration errors.

    Returns
    -------
    dict of str to number
        Keys as in `BEST`, and `items`, `classes`, `passes`. `error_detection_auroc` is None where
        all predictions are right or all are wrong. Uncertainties are in nats; predictions are
        ranked by the total.

    Raises
    ------
    ValueError
        If the labels are not N integers in [0, C), or `bins` is not an integer >= 1.
    """
    from hetero_unc import metrics

    summary = predictive.summarise()
    labels, y_prob = check_predictions(labels, summary.probabilities)
    right = y_prob.argmax(axis=1) == labels
    results = {
        "accuracy": metrics.accuracy(labels, y_prob),
        "log_loss": metrics.log_loss(labels, y_prob),
        "brier_score": metrics.brier_score(labels, y_prob),
        "expected_calibration_error": metrics.expected_calibration_error(
            labels, y_prob, n_bins=bins
        ),
        "debiased_calibration_error": metrics.debiased_calibration_error(
            labels, y_prob, n_bins=bins
        ),
        "maximum_calibration_error": metrics.maximum_calibration_error(labels, y_prob, n_bins=bins),
        "area_under_risk_coverage_curve": metrics.area_under_risk_coverage_curve(
            labels, y_prob, summary.total
        ),
        "excess_area_under_risk_coverage_curve": metrics.excess_area_under_risk_coverage_curve(
            labels, y_prob, summary.total
        ),
        "error_detection_auroc": metrics.error_detection_auroc(labels, y_prob, summary.total)
        if right.any() and not right.all()
        else None,
        "mean_total_uncertainty": summary.total.mean(),
        "mean_aleatoric_uncertainty": summary.aleatoric.mean(),
        "mean_epistemic_uncertainty": summary.epistemic.mean(),
    }
    numbers = {name: None if value is None else float(value) for name, value in results.items()}
    passes, items, classes = predictive.probabilities.shape
    return {"items": items, "classes": classes, "passes": passes, **numbers}


def read_labels(path, ids):
    """Read true classes from a .npy or .csv file, in the order of `ids`.

    Parameters
    ----------
    path : str or Path
    ids : array of shape (N,)
        Of the predictions; used where a csv file has a column `id`.

    Returns
    -------
    array of shape (N,)
        Integers, or whatever the .npy file holds: the metrics check the values.

    Raises
    ------
    ValueError
        Naming the file, and the line of a csv file, where it is not of the form above.
    FileNotFoundError
        If there is no such file.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() == ".csv":
        return _read_csv(path, ids)
    if path.suffix.lower() != ".npy":
        raise ValueError(f"`--labels` must be a .npy or a .csv file. Received: {path}")
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is not a whole .npy file of numbers: {error}") from error


def _read_csv(path, ids):
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        columns = rows.fieldnames or []
        if LABEL_COLUMN not in columns:
            raise ValueError(
                f"{path} must have a column '{LABEL_COLUMN}', named in its first line. "
                f"Received: columns={columns}"
            )
        labels = {}
        for row in rows:
            where = f"{path}, line {rows.line_num}"
            key = row[ID_COLUMN] if ID_COLUMN in columns else len(labels)
            if key in labels:
                raise ValueError(f"{where}: every id must occur once. Received: id={key!r} again")
            labels[key] = _whole_number(row[LABEL_COLUMN], where)
    if ID_COLUMN not in columns:
        return np.array(list(labels.values()), dtype=np.int64)
    missing = [name for name in ids if str(name) not in labels]
    if missing:
        raise ValueError(
            f"{path} must have a row for every prediction. Received: none for {len(missing)} of "
            f"{len(ids)} ids, the first {missing[0]}"
        )
    return np.array([labels[str(name)] for name in ids], dtype=np.int64)


def _whole_number(text, where):
    try:
        return int(text)
    except (TypeError, ValueError):
        raise ValueError(f"{where}: a label must be an integer. Received: {text!r}") from None
