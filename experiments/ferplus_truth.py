"""Sections of the FER+ page where the truth is known: drawn faces, and labels spoilt on purpose."""

import numpy as np

from hetero_unc import metrics
from hetero_unc.formats import format_percent
from hetero_unc.reports import figures, html

__all__ = ["leak_section", "truth_section"]

HEADS = {"softmax": "Softmax head", "gaussian_votes": "Gaussian head on votes"}


def truth_section(runs, data):
    """On drawn faces the truth is known: does each doubt follow what it should?"""
    rows = []
    for run in runs:
        ids = run.summary.ids
        ambiguity = metrics.entropy(data.true_shares[ids])
        spread = 1 - np.square(data.true_shares[ids]).sum(axis=1)
        rare = data.rare[ids]
        rows.append(
            (
                run.name,
                f"{metrics.spearman(run.summary.aleatoric[~rare], ambiguity[~rare]):.3f}",
                f"{metrics.spearman(run.predicted_disagreement[~rare], spread[~rare]):.3f}",
                f"{metrics.pearson(run.predicted_disagreement, spread):.3f}",
                *_rare_against_others(run.summary.epistemic, rare),
                *_rare_against_others(run.summary.aleatoric, rare),
            )
        )
    text = (
        "These faces are drawn: the chance of each vote is known, so the true ambiguity is its "
        "entropy, and a rare group is drawn lying on its side, as voted for as any other. "
        "Aleatoric doubt should follow the ambiguity, epistemic doubt should be higher on the "
        "rare group."
    )
    table = html.Table(
        "Spearman correlations on faces that are not rare; Pearson on all. Means in nats; AUROC is "
        "the chance that a rare face is more doubted than another.",
        (
            "network",
            "aleatoric, true entropy",
            "predicted d, true d",
            "Pearson, all",
            "epistemic, rare",
            "others",
            "AUROC",
            "aleatoric, rare",
            "others",
            "AUROC",
        ),
        tuple(rows),
    )
    return html.Section("truth", "Where the truth is known", (html.Text(text), table))


def _rare_against_others(doubt, rare):
    if not rare.any() or rare.all():
        return ("–", "–", "–")
    return (
        f"{doubt[rare].mean():.4f}",
        f"{doubt[~rare].mean():.4f}",
        f"{metrics.out_of_distribution_auroc(doubt[~rare], doubt[rare]):.3f}",
    )


def leak_section(evidence):
    """Which part of the doubt moves when labels get noisier, and when data gets less.

    Parameters
    ----------
    evidence : dict
        What experiments/leak_test.py writes.
    """
    blocks = [
        html.Text(
            f"A small network, trained again and again on noisier labels and on fewer images "
            f"({evidence['source']}). Noise should move aleatoric doubt alone, lack of data "
            "epistemic doubt alone. The wrong part's share of the movement is the leak: 0 % is "
            "none, at 50 % the split says nothing of the cause."
        )
    ]
    for head in HEADS:
        if head in evidence:
            blocks += _leaks_of(head, evidence)
    return html.Section("leak", "Does the split leak?", tuple(blocks))


def _leaks_of(head, evidence):
    found = evidence[head]
    drawings = []
    for cause, levels, label in (
        ("noise", evidence["noise_rates"], "share of the training labels replaced"),
        ("size", evidence["sizes"], "training images"),
    ):
        series = []
        for part, colour, line in (("aleatoric", "amber", "-"), ("epistemic", "teal", "--")):
            values = np.asarray(found[f"{part}_by_{cause}"])
            low, high = values.min(axis=1), values.max(axis=1)
            series.append(
                figures.Series(part, levels, values.mean(axis=1), colour, line, low=low, high=high)
            )
        if cause == "noise":
            truth = evidence["true_aleatoric"]
            series.append(figures.Series("true aleatoric", levels, truth, "quiet", ":"))
        title = f"{HEADS[head]}: by {label}"
        drawings.append(
            html.Figure(
                figures.draw_series(
                    f"leak-{head.replace('_', '-')}-{cause}",
                    series,
                    x_label=label,
                    y_label="mean doubt, nats",
                ),
                f"{title}: mean aleatoric and epistemic doubt; bands over the seeds.",
                title,
            )
        )
    said = (
        f"{HEADS[head]}: the leak is {_share(found['leak']['noise'])} under noise and "
        f"{_share(found['leak']['size'])} under lack of data; before anything is spoilt, the two "
        f"parts correlate by {np.mean(found['rank_correlation']):.2f} over the images (ranks)."
    )
    return html.Text(said), html.Figures(tuple(drawings))


def _share(value):
    return format_percent(value, 0) if np.isfinite(value) else "none"
