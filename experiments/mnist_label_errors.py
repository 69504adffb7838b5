"""Do the wrong labels of the MNIST test digits stand at the top of the suspected list?

    python experiments/mnist_label_errors.py PREDICTIVE.npz [...]

PREDICTIVE.npz holds predictions of the 10,000 test digits in their order, as `make mnist` leaves
them below runs/mnist/. Each digit has one label, that of the data set, taken as its one vote; the
digits are audited as a pool without a split. Five people each looked at 107 digits that confident
learning had found suspicious (Northcutt, Athalye and Mueller, 2021, Pervasive label errors in test
sets destabilize machine learning benchmarks, https://arxiv.org/abs/2103.14749; their answers:
https://github.com/cleanlab/label-errors, mturk/mnist_mturk.json). For ten of the digits three or
more of the five chose the suggested label over the given one: the known wrong labels.

To expect, of five networks trained by the exact marginal likelihood: three or four of the 10,000
digits are suspected, and known wrong labels stand first or second among them, two of the ten for
four of the networks and one for the fifth. Six or seven of the ten are among the first 50 by the
probability of a label error; where a network itself predicts the given label, it cannot know. The
rule was chosen on labels planted among training digits that a network had not seen, and on the
simulation.

Prints where these ten stand, by the probability of a label error and by cleanlab's score, and how
many of them are on the suspected list. Writes runs/mnist_label_errors/results.json.
"""

import argparse
import pathlib

import numpy as np
from rich.console import Console
from rich.table import Table

from hetero_unc.audit import AuditSettings, audit
from hetero_unc.data import Predictions, VoteTable, load_mnist, read_predictions
from hetero_unc.writing import write_json

FOLDER = pathlib.Path("runs/mnist_label_errors")
# Row of the test set: the label that three or more of five people chose over the given one.
KNOWN = {947: 9, 1621: 6, 1901: 4, 2462: 0, 2597: 3, 3558: 0, 5937: 3, 6651: 6, 6783: 6, 9729: 6}


def ranks(predictions, labels):
    """Where the known wrong labels stand, first is 1, and what else the audit says of them."""
    ids = np.array([f"{row}" for row in range(len(labels))])
    names = tuple(map(str, range(10)))
    votes = VoteTable(ids, names, np.eye(10, dtype=int)[labels])
    named = Predictions(predictions.probabilities, ids, classes=names)
    items = audit(named, votes, settings=AuditSettings(target_risk=0.01, resamples=2)).items
    known = np.array(list(KNOWN))
    listed = items["route"] == "suspected_label_error"
    position = {"label_error": rank(-items["label_error"])}
    if "label_quality" in items:
        position["label_quality"] = rank(items["label_quality"])
    # The list is shown with the most probable errors first.
    on_list = rank(np.where(listed, -items["label_error"], 1.0))
    return {
        "suspected": int(listed.sum()),
        "known_suspected": int(listed[known].sum()),
        "places_on_list": sorted(on_list[known][listed[known]].tolist()),
        **{name: places[known].tolist() for name, places in position.items()},
        "routes": items["route"][known].tolist(),
    }


def rank(scores):
    """Place of each item when sorted, from 1."""
    places = np.empty(len(scores), dtype=int)
    places[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return places


def main():
    """Print and write the places."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("predictive", nargs="+")
    parser.add_argument("--data-dir", required=True, help="folder with MNIST's idx files")
    arguments = parser.parse_args()
    labels = load_mnist(arguments.data_dir).test_labels
    table = Table("row", *map(str, KNOWN), title="place among 10,000 digits; 10 are known wrong")
    results = []
    for path in arguments.predictive:
        found = ranks(read_predictions(path), labels)
        results.append({"predictive": pathlib.Path(path).parent.name, **found})
        for name in ("label_error", "label_quality"):
            if name in found:
                table.add_row(name, *map(str, found[name]))
        table.add_row("route", *found["routes"], end_section=True)
    write_json(FOLDER / "results.json", {"known": KNOWN, "rows": results})
    Console(width=180).print(table)
    for row in results:
        print(
            f"{row['predictive']}: {row['suspected']} suspected; of the ten known "
            f"{row['known_suspected']}, at places {row['places_on_list']}"
        )


if __name__ == "__main__":
    main()
