"""Does doubt rise when images are darkened, blurred, covered or turned, and which part of it?"""

import numpy as np

from hetero_unc.formats import format_nats, format_percent
from hetero_unc.reports import figures, html
from hetero_unc.reports.svg import picture

__all__ = ["shift_section"]

STYLES = (
    ("blue", "-"),
    ("amber", "--"),
    ("teal", "-."),
    ("rose", ":"),
    ("ink", (0, (5, 1, 1, 1))),
    ("quiet", "-"),
)
MEANS = ("aleatoric", "epistemic")
PARTS = ("total", *MEANS)
TITLE = "Does doubt rise on altered images?"


def shift_section(evidence, examples=()):
    """Doubt and accuracy against the strength of each change, and on images of other things.

    Parameters
    ----------
    evidence : dict
        `name` of the run; `n` images; `probes`: name -> lists over strengths, the first unchanged:
        `levels`, `total`, `aleatoric`, `epistemic` (means, nats), `accuracy`, and the chances that
        a changed image is more doubted than an unchanged one, `auroc_total`, `auroc_aleatoric`,
        `auroc_epistemic`; `other`: name -> the same as single numbers, with `n`.
    examples : sequence of (str, float, uint8 array of shape (H, W, 1))
        What is done to an image, its level, and the image; shown folded.
    """
    probes = evidence["probes"]
    drawings = []
    for key, title, label in (
        ("aleatoric", "Aleatoric doubt", "mean, nats"),
        ("epistemic", "Epistemic doubt", "mean, nats"),
        ("accuracy", "Read as most people do", "share"),
    ):
        series = [
            figures.Series(name, range(len(found[key])), found[key], colour, line)
            for (name, found), (colour, line) in zip(probes.items(), STYLES, strict=False)
        ]
        ends = ", ".join(f"{name} {found[key][-1]:.3g}" for name, found in probes.items())
        start = next(iter(probes.values()))[key][0]
        drawings.append(
            html.Figure(
                figures.draw_series(
                    f"shift-{key}",
                    series,
                    x_label="strength of the change",
                    y_label=label,
                    y_percent=key == "accuracy",
                    whole_x=True,
                ),
                f"{title} by strength of each change. Unchanged {start:.3g}; at the strongest: "
                f"{ends}.",
                title,
            )
        )
    rows = [_row(name, found, -1, found["levels"][-1]) for name, found in probes.items()]
    rows += [_row(name, found, None, "") for name, found in evidence.get("other", {}).items()]
    table = html.Table(
        "At the strongest change, and on other images. AUROC: the chance that such an image is "
        "more doubted than an unchanged face; 0.5 is chance.",
        ("images", "level", "accuracy", *MEANS, *(f"AUROC {part}" for part in PARTS)),
        tuple(rows),
    )
    return html.Section(
        "shift",
        TITLE,
        (html.Text(_what_rises(evidence)), html.Figures(tuple(drawings)), table, *_shown(examples)),
    )


def _shown(examples):
    if not examples:
        return ()
    tiles = tuple(
        html.Tile(
            picture(image.astype(np.float32) / 255),
            f"A face, {word}, level {level + 0.0:g}",  # no minus before 0
            (word, f"{level + 0.0:g}"),
        )
        for word, level, image in examples
    )
    return (html.Details("One face, changed", (html.Gallery("Level by level", tiles),)),)


def _what_rises(evidence):
    probes = evidence["probes"]
    rising = [name for name, found in probes.items() if found["auroc_epistemic"][-1] > 0.5]
    first = [
        name
        for name, found in probes.items()
        if found["auroc_epistemic"][-1] > found["auroc_aleatoric"][-1]
    ]
    return (
        f"{evidence['name']}, {evidence['n']:,} test images, each changed by "
        f"{', '.join(probes)}. If epistemic doubt is about what the network has not seen, it must "
        f"rise, and more than aleatoric doubt. At the strongest level it rises for "
        f"{_listed(rising)}, and tells changed from unchanged better than aleatoric doubt does for "
        f"{_listed(first)}."
    )


def _row(name, found, place, level):
    def value(key):
        return found[key] if place is None else found[key][place]

    accuracy = value("accuracy")
    return (
        name,
        f"{level:g}" if level != "" else f"{found['n']:,} images",
        "–" if accuracy is None else format_percent(accuracy, 1),
        *(format_nats(value(part)) for part in MEANS),
        *(f"{value(f'auroc_{part}'):.3f}" for part in PARTS),
    )


def _listed(names):
    return ", ".join(names) if names else "none of them"
