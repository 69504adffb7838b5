"""Does the routing find the items that were planted, and is it ahead of what else there is?

    python experiments/routing_simulation.py        (about three minutes)

8 classes, 10 votes an item, 20 passes; 2,000 validation and 4,000 test items, drawn five times for
choosing the rules and fifteen more times for judging them, which no rule has seen.
Most items are ordinary: 9 of 10 votes agree, or 8.5 where an item is hard.
A share of each test set is planted:

    contested    5 %    two or three classes of nearly equal shares, and the model says so
    mislabelled  5 %    an ordinary item that carries the votes of an item of another class
    unfamiliar   5 %    each pass is sure of one of two or three classes; the votes are ordinary

Validation holds as many contested and mislabelled items and no unfamiliar ones: it comes from where
the model was trained. The model is a little too sure; 3 % of its forecasts of ordinary items are
wrong, and 0.2 % confidently so, which nothing can tell from a wrong label. Its mean forecast for an
unfamiliar item looks like that for a contested one.

Beside the routing stand, on the same items, cleanlab (label issues; lowest label quality; its
out-of-distribution score) and the entropy of the mean forecast. Both are given the true number of
planted items as length of their list where they have no threshold of their own; the routing is not.
Precision and recall of at least .8 are the target.

To expect of the fifteen, precision and recall: contested .849, .852; mislabelled .894, .905;
unfamiliar .923, .999. F1 .850, .899, .959, against cleanlab's 0, .877, .484 and an entropy
threshold's .474, .002, .482; the routing's is ahead for each kind.
Writes runs/routing_simulation/results.json.
"""

import pathlib

import numpy as np
from rich.console import Console
from rich.table import Table

from hetero_unc.audit import AuditSettings, audit
from hetero_unc.data import Predictions, VoteTable
from hetero_unc.metrics import entropy
from hetero_unc.writing import write_json

FOLDER = pathlib.Path("runs/routing_simulation")
CLASSES, VOTES, PASSES = 8, 10, 20
VALIDATION, TEST = 2000, 4000
PLANTED = 0.05
# Of the audit only the routes are looked at, so its intervals may be rough.
SETTINGS = AuditSettings(target_risk=0.1, resamples=2)
# The rules were chosen on the first; the second were drawn once they stood. Those between judged
# earlier rules.
SEEDS = {"choosing": range(5), "judging": range(35, 50)}
KINDS = {
    "contested": "contested",
    "mislabelled": "suspected_label_error",
    "unfamiliar": "unfamiliar",
}


def simulate(seed, *, validation=VALIDATION, test=TEST):
    """Predictions, votes and the true kind of each item.

    Returns
    -------
    predictions : Predictions
    vote_table : VoteTable
        With a split into validation and test items.
    kind : str array of shape (N,)
        "ordinary" or one of `KINDS`.
    """
    rng = np.random.default_rng(seed)
    items = validation + test
    in_test = np.arange(items) >= validation
    drawn = rng.random(items)
    kind = np.select(
        [drawn < PLANTED, drawn < 2 * PLANTED, (drawn < 3 * PLANTED) & in_test],
        ["contested", "mislabelled", "unfamiliar"],
        default="ordinary",
    )
    crowd = ordinary_crowds(rng, items)
    contested = kind == "contested"
    crowd[contested] = contested_crowds(rng, contested.sum())
    # What the model sees: log shares with noise, too sure by a fifth.
    logits = 1.2 * np.log(crowd) + rng.normal(0, 0.4, crowd.shape)
    ordinary = np.flatnonzero((kind == "ordinary") | (kind == "mislabelled"))
    wrong = rng.choice(ordinary, int(0.03 * len(ordinary)), replace=False)
    confident, unsure = np.split(wrong, [len(wrong) // 15])
    logits[confident] = np.roll(logits[confident], 1, axis=1)
    logits[unsure] += np.roll(logits[unsure], 1, axis=1)
    unfamiliar = kind == "unfamiliar"
    logits[unfamiliar] = 0
    passes = logits + rng.normal(0, 0.4, (PASSES, items, CLASSES))
    passes[:, unfamiliar] += unfamiliar_logits(rng, unfamiliar.sum())

    votes = rng.multinomial(VOTES, crowd)
    mislabelled = np.flatnonzero(kind == "mislabelled")
    others = ordinary_crowds(rng, len(mislabelled), but=crowd[mislabelled].argmax(axis=1))
    votes[mislabelled] = rng.multinomial(VOTES, others)
    names = tuple(f"class {index}" for index in range(CLASSES))
    ids = np.array([f"item {index}" for index in range(items)])
    powers = np.exp(passes - passes.max(axis=2, keepdims=True))
    predictions = Predictions(powers / powers.sum(axis=2, keepdims=True), ids, classes=names)
    split = np.where(in_test, "test", "validation")
    return predictions, VoteTable(ids, names, votes, split=split), kind


def ordinary_crowds(rng, items, but=None):
    """Shares with .9 on one class, or .85 for a fifth of the items, the rest spread at random."""
    top = rng.integers(CLASSES, size=items)
    if but is not None:
        top = (but + rng.integers(1, CLASSES, size=items)) % CLASSES
    leading = np.where(rng.random(items) < 0.2, 0.85, 0.9)
    return spread_rest(rng, np.eye(CLASSES)[top], leading)


def contested_crowds(rng, items):
    """Nearly equal shares on two or three classes, .92 together, the rest spread at random."""
    order = rng.permuted(np.tile(np.arange(CLASSES), (items, 1)), axis=1)
    shares = rng.uniform(0.8, 1.2, (items, CLASSES))
    shares[order >= rng.integers(2, 4, size=(items, 1))] = 0
    return spread_rest(rng, shares / shares.sum(axis=1, keepdims=True), np.full(items, 0.92))


def unfamiliar_logits(rng, items):
    """(P, items, C): each pass prefers one of the item's two or three classes by 6."""
    order = rng.permuted(np.tile(np.arange(CLASSES), (items, 1)), axis=1)
    choice = rng.integers(rng.integers(2, 4, size=items), size=(PASSES, items))
    return 6.0 * np.eye(CLASSES)[order[np.arange(items), choice]]


def spread_rest(rng, leading, share):
    """`share` on the leading classes, the rest by a flat Dirichlet on all."""
    rest = rng.dirichlet(np.ones(CLASSES), len(leading))
    return share[:, None] * leading + (1 - share)[:, None] * rest


def lists_of_others(votes, y_prob, kind):
    """Items that cleanlab and an entropy threshold would list, by method and kind."""
    from cleanlab.filter import find_label_issues
    from cleanlab.outlier import OutOfDistribution
    from cleanlab.rank import get_label_quality_scores

    labels = votes.argmax(axis=1)
    doubt = entropy(y_prob)
    quality = get_label_quality_scores(labels, y_prob)
    familiar = OutOfDistribution().fit_score(pred_probs=y_prob, labels=labels, verbose=False)
    number = {name: int(np.sum(kind == name)) for name in KINDS}
    return {
        "cleanlab": {
            "contested": lowest(quality, number["contested"]),
            "mislabelled": find_label_issues(labels, y_prob, n_jobs=1),
            "unfamiliar": lowest(familiar, number["unfamiliar"]),
        },
        "entropy": {name: lowest(-doubt, number[name]) for name in KINDS},
    }


def lowest(scores, number):
    """Boolean (N,): the `number` smallest scores."""
    listed = np.zeros(len(scores), dtype=bool)
    listed[np.argsort(scores, kind="stable")[:number]] = True
    return listed


def precision_and_recall(listed, true):
    """Share of the list that is true, share of the true that is listed, and their harmonic mean."""
    hits = np.sum(listed & true)
    precision, recall = hits / max(listed.sum(), 1), hits / true.sum()
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * hits / (listed.sum() + true.sum()),
    }


def run(seeds, *, validation=VALIDATION, test=TEST):
    """Mean precision, recall and F1 over the seeds, and the lowest F1, by method and kind."""
    scores = {}
    for seed in seeds:
        predictions, vote_table, kind = simulate(seed, validation=validation, test=test)
        result = audit(predictions, vote_table, settings=SETTINGS)
        judged = vote_table.split == "test"
        route, kind = result.items["route"][judged], kind[judged]
        y_prob = result.items["probabilities"][judged]
        y_prob = y_prob / y_prob.sum(axis=1, keepdims=True)
        lists = {
            "routing": {name: route == routed for name, routed in KINDS.items()},
            **lists_of_others(vote_table.votes[judged], y_prob, kind),
        }
        for method, by_kind in lists.items():
            for name, listed in by_kind.items():
                found = precision_and_recall(listed, kind == name)
                scores.setdefault((method, name), []).append(list(found.values()))
    rows = []
    for (method, name), values in scores.items():
        precision, recall, f1 = np.mean(values, axis=0).tolist()
        lowest_f1 = float(np.min(values, axis=0)[2])
        rows.append({"method": method, "kind": name, "precision": precision, "recall": recall})
        rows[-1].update(f1=f1, lowest_f1=lowest_f1)
    return rows


def main():
    """Print and write a table of the draws that chose, and one of those that judge."""
    found = {purpose: run(seeds) for purpose, seeds in SEEDS.items()}
    seeds = {purpose: list(seeds) for purpose, seeds in SEEDS.items()}
    results = {"seeds": seeds, "test_items": TEST, "planted": PLANTED, "rows": found}
    write_json(FOLDER / "results.json", results)
    for purpose, rows in found.items():
        table = Table(
            title=f"{purpose}: {len(SEEDS[purpose])} draws of {TEST:,} items, {PLANTED:.0%} a kind"
        )
        for name in ("kind", "method", "precision", "recall", "F1", "lowest F1"):
            table.add_column(name, justify="left" if name in ("kind", "method") else "right")
        for row in sorted(rows, key=lambda row: list(KINDS).index(row["kind"])):
            figures = [f"{row[name]:.3f}" for name in ("precision", "recall", "f1", "lowest_f1")]
            table.add_row(row["kind"], row["method"], *figures)
        Console().print(table)


if __name__ == "__main__":
    main()
