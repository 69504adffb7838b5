"""Which faces the network takes for alike: nearest and farthest pairs in its feature space.

`feature_neighbours` measures, `neighbours_section` shows. The second seed's exploratory notebook
shows such pairs of the first 1,000 images by the angle between their features.
"""

import numpy as np

from hetero_unc.checks import check_array
from hetero_unc.reports import html
from hetero_unc.reports.svg import picture

__all__ = ["feature_neighbours", "neighbours_section"]

TITLE = "Neighbours in feature space"


def feature_neighbours(features, ids, *, images=1000, pairs=5, groups=None):
    """The closest and the farthest pairs, by the angle between their features.

    Parameters
    ----------
    features : array-like of float, shape (N, F)
    ids : array-like of int, shape (N,)
        Row numbers.
    images : int, default=1000
        How many of the first rows are compared, each with each.
    pairs : int, default=5
        How many of each kind are kept; an image stands in one pair of a kind.
    groups : array-like of int, shape (N,), optional
        Items of one group are identical images, and are not paired.

    Returns
    -------
    dict
        `images` compared; `nearest` and `farthest`: lists of [row, row, angle], the angle in units
        of π, 0 to 1.

    Raises
    ------
    ValueError
        If an argument breaks the rules above, or a row of features is 0, which has no direction.
    """
    features = check_array(features, name="features", ndim=2)[:images].astype(np.float64)
    ids = np.asarray(ids)[:images]
    if len(ids) != len(features):
        raise ValueError(
            "`ids` must have one entry for each row of `features`. "
            f"Received: {len(ids)} ids, {len(features)} rows"
        )
    lengths = np.linalg.norm(features, axis=1)
    if not lengths.all():
        raise ValueError(
            f"`features` must not be 0 in a whole row. Received: row {ids[lengths.argmin()]}"
        )
    directions = features / lengths[:, None]
    # Rounding takes the cosine of equal features above 1, of which arccos is NaN.
    angle = np.arccos(np.clip(directions @ directions.T, -1, 1)) / np.pi
    first, second = np.triu_indices(len(ids), k=1)
    if groups is not None:
        different = np.asarray(groups)[first] != np.asarray(groups)[second]
        first, second = first[different], second[different]
    order = np.argsort(angle[first, second], kind="stable")
    return {
        "images": len(ids),
        **{
            name: [
                [int(ids[first[place]]), int(ids[second[place]]), float(angles)]
                for place, angles in _disjoint(ranked, first, second, angle, pairs)
            ]
            for name, ranked in (("nearest", order), ("farthest", order[::-1]))
        },
    }


def neighbours_section(evidence, images):
    """Galleries of the pairs.

    Parameters
    ----------
    evidence : dict
        What `feature_neighbours` returned.
    images : uint8 array of shape (rows, H, W, 1)
        Of all rows.
    """
    galleries = [
        html.Gallery(
            title,
            tuple(
                html.Tile(
                    picture(images[row].astype(np.float32) / 255),
                    alt=f"Row {row}, {place} of pair {number}",
                    lines=(f"pair {number}", f"row {row}", f"{angle:.3f} π"),
                )
                for number, (*pair, angle) in enumerate(evidence[kind], start=1)
                for place, row in zip(("first", "second"), pair, strict=True)
            ),
        )
        for kind, title in (("nearest", "Nearest pairs"), ("farthest", "Farthest pairs"))
    ]
    text = (
        f"Of {evidence['images']:,} images, each with each: the angle between the features from "
        "which the network reads the expression. An image stands in one pair of a kind."
    )
    return html.Section("neighbours", TITLE, (html.Text(text), *galleries))


def _disjoint(ranked, first, second, angle, pairs):
    """The first `pairs` places of `ranked` whose images do not come twice."""
    used, kept = set(), []
    for place in ranked:
        pair = {int(first[place]), int(second[place])}
        if used.isdisjoint(pair):
            used |= pair
            kept.append((place, angle[first[place], second[place]]))
        if len(kept) == pairs:
            break
    return kept
