"""Galleries of items with their votes: the second seed's Figure 1, its errors and edge cases."""

import numpy as np

from hetero_unc.formats import format_percent
from hetero_unc.metrics import jensen_shannon_distance, label_entropy
from hetero_unc.reports import html
from hetero_unc.reports.vote_bars import BARS_EXPLAINED, vote_gallery
from hetero_unc.reports.voted_run import PARTS

__all__ = ["edge_section", "extremes_section"]

TILES = 5  # as in the second seed's figure


def extremes_section(runs):
    """The items with the least and the most aleatoric and epistemic doubt, of each run.

    Parameters
    ----------
    runs : sequence of VotedRun
        At least one; all but the first are folded.
    """
    blocks = [
        html.Text(
            "The five images with the least and the five with the most of each doubt; none is "
            f"left out or chosen by hand. {BARS_EXPLAINED}"
        )
    ]
    for place, run in enumerate(runs):
        galleries = []
        for part in ("aleatoric", "epistemic"):
            values = run.doubts()[part]
            order = np.argsort(values, kind="stable")
            for title, items in (("Least", order[:TILES]), ("Most", order[::-1][:TILES])):
                galleries.append(
                    vote_gallery(f"{title} {part} doubt", run, items, PARTS[part], values)
                )
        summary = _what_the_extremes_share(run)
        if place == 0:
            blocks += [html.Text(f"{run.name}. {summary}"), *galleries]
        else:
            blocks.append(html.Details(run.name, (html.Text(summary), *galleries)))
    return html.Section("extremes", "The least and the most doubtful faces", tuple(blocks))


def edge_section(run):
    """Best and worst forecasts, and where people and network differ in how sure they are."""
    distance = jensen_shannon_distance(run.shares, run.summary.probabilities)
    people = label_entropy(run.votes)
    doubt = run.summary.total
    order = np.argsort(distance, kind="stable")
    edge = np.argsort(people - doubt, kind="stable")
    sure = 1 - run.summary.probabilities.max(axis=1)
    wrong = np.flatnonzero(run.shares[np.arange(len(run)), run.predicted] == 0)
    wrong = wrong[np.argsort(sure[wrong], kind="stable")]
    galleries = [
        vote_gallery("Forecasts closest to the votes", run, order[:TILES], "JS", distance),
        vote_gallery("Forecasts farthest from the votes", run, order[::-1][:TILES], "JS", distance),
        vote_gallery(
            "People agree, the network doubts",
            run,
            edge[:TILES],
            "difference",
            people - doubt,
            caption="Lowest entropy of the votes less entropy of the forecast, in nats.",
        ),
        vote_gallery(
            "The network is sure, people disagree",
            run,
            edge[::-1][:TILES],
            "difference",
            people - doubt,
            caption="Highest entropy of the votes less entropy of the forecast, in nats.",
        ),
    ]
    if len(wrong):
        galleries.append(
            vote_gallery(
                "Sure, and nobody agrees",
                run,
                wrong[:TILES],
                "sure",
                1 - sure,
                caption="The most confident readings that got no vote at all.",
            )
        )
    text = (
        f"{run.name}. JS is the Jensen-Shannon distance between votes and forecast: 0 where they "
        f"are equal, {np.sqrt(np.log(2)):.3f} where nothing overlaps. {BARS_EXPLAINED} Names are "
        "coloured where nobody voted for what is read."
    )
    return html.Section("edges", "Errors and edge cases", (html.Text(text), *galleries))


def _what_the_extremes_share(run):
    """The classes and the agreement of the least and the most doubted tenth, in words."""
    tenth = max(1, len(run) // 10)
    said = []
    for part in ("aleatoric", "epistemic"):
        order = np.argsort(run.doubts()[part], kind="stable")
        ends = []
        for word, items in (("least", order[:tenth]), ("most", order[-tenth:])):
            counts = np.bincount(run.majority[items], minlength=len(run.class_names))
            top = int(counts.argmax())
            ends.append(
                f"of the tenth with the {word}, {format_percent(counts[top] / len(items), 0)} are "
                f"{run.class_names[top]}, with a mean disagreement of "
                f"{run.disagreement[items].mean():.2f}"
            )
        said.append(f"{part.capitalize()} doubt: {'; '.join(ends)}")
    return ". ".join(said) + "."
