"""Draws the pictures of docs/concepts.md: what the passes of four items look like.

python docs/concept_figures.py        writes docs/concepts/*.svg

The passes are drawn from stated distributions, not from a trained network: the pictures show what
the words mean, and no result.
"""

import pathlib

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
import numpy as np

from hetero_unc.metrics import entropy_decomposition

FOLDER = pathlib.Path(__file__).parent / "concepts"
CLASSES = ("calm", "sad", "angry")
PASSES = 24


def items():
    """Name -> probabilities (P, 3) of the passes of one item."""
    rng = np.random.default_rng(0)
    one = rng.dirichlet(60 * np.array([0.94, 0.03, 0.03]), PASSES)
    toss_up = rng.dirichlet(200 * np.array([0.5, 0.47, 0.03]), PASSES)
    sides = rng.integers(0, 2, PASSES)
    contradicting = np.eye(3)[sides] * 0.9 + 0.1 / 3
    contradicting = np.array([rng.dirichlet(40 * row) for row in contradicting])
    scattered = rng.dirichlet(2.5 * np.ones(3) / 3, PASSES)
    return {
        "clear": one,
        "aleatoric": toss_up,
        "epistemic": contradicting,
        "unfamiliar": scattered,
    }


def draw(name, probabilities):
    """One small picture: a dot a pass and class, and the parts of the doubt below."""
    parts = entropy_decomposition(probabilities[:, None, :])
    figure, axes = plt.subplots(figsize=(3.4, 2.3), layout="constrained")
    rng = np.random.default_rng(1)
    for place, column in enumerate(probabilities.T):
        across = place + rng.uniform(-0.18, 0.18, len(column))
        axes.plot(across, column, "o", color="#1f5aa6", alpha=0.6, markersize=4)
        axes.plot([place - 0.3, place + 0.3], [column.mean()] * 2, color="#a65a00", linewidth=2)
    axes.set(xticks=range(3), xticklabels=CLASSES, ylim=(-0.03, 1.03), ylabel="probability")
    axes.set_title(
        f"aleatoric {parts.aleatoric[0]:.2f}, epistemic {parts.epistemic[0]:.2f} nats", fontsize=9
    )
    axes.spines[["top", "right"]].set_visible(False)
    # Without a date and random names, the same picture is the same file.
    mpl.rcParams["svg.hashsalt"] = name
    figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, probabilities in items().items():
        draw(name, probabilities)


if __name__ == "__main__":
    main()
