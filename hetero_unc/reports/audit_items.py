"""The items of an audit as the page's table reads them: columns, and the largest bars of each.

The text is JSON whose <, > and & are escaped, so that no id, class or reason can end the element
that holds it; the script writes every word of it as text.
"""

import json

import numpy as np

from hetero_unc.checks import as_array
from hetero_unc.reports.audit_columns import COLUMNS, Column

__all__ = ["MOST_ITEMS", "check_items", "items_text", "most_pressing"]

MOST_ITEMS = 100_000  # of the page; about 40 MB of text, and more than anybody reads
MOST_BARS = 6
ROWS_AT_ONCE = 4096
REQUIRED = ("id", "route", "reason", "predicted", "people", "votes_total", "votes", "probabilities")


# What to show first among the items of a route, from large to small.
PRESSING = {
    "unfamiliar": "epistemic",
    "suspected_label_error": "label_error",
    "contested": "predicted_disagreement",
    "more_votes": "value_of_one_more_vote",
}


def check_items(items):
    """The columns as arrays of one length, ids as text.

    Raises
    ------
    ValueError
        If a required column is missing, or the columns do not fit together.
    """
    missing = [name for name in REQUIRED if name not in items]
    if missing:
        raise ValueError(f"`items` must hold {', '.join(REQUIRED)}. Missing: {missing}")
    arrays = {name: as_array(values, name=f"items[{name!r}]") for name, values in items.items()}
    count = len(arrays["id"])
    for name, array in arrays.items():
        if array.shape[:1] != (count,):
            raise ValueError(
                f"`items[{name!r}]` must have {count} entries. Received: shape={array.shape}"
            )
    if arrays["votes"].ndim != 2 or arrays["votes"].shape != arrays["probabilities"].shape:
        raise ValueError(
            "`items['votes']` and `items['probabilities']` must have shape (N, C). Received: "
            f"{arrays['votes'].shape}, {arrays['probabilities'].shape}"
        )
    return arrays | {"id": arrays["id"].astype(str)}


def most_pressing(items, routes):
    """Positions of the items to list: by route, then by what makes the route's items pressing.

    Parameters
    ----------
    items : dict of str to array
        Of `check_items`.
    routes : sequence of str
        Names of the routes, most pressing first.

    Returns
    -------
    int array of shape (min(N, MOST_ITEMS),)
    """
    place = {name: index for index, name in enumerate(routes)}
    of_route = np.array([place.get(name, len(place)) for name in items["route"].tolist()])
    pressing = np.zeros(len(of_route))
    for name, column in PRESSING.items():
        if name in place and column in items:
            inside = of_route == place[name]
            pressing[inside] = items[column][inside]
    return np.lexsort((-pressing, of_route))[:MOST_ITEMS]


def items_text(items, routes, classes, pictures):
    """All that the table shows, as JSON that no html parser takes for markup.

    Parameters
    ----------
    items : dict of str to array
        Of `check_items`.
    routes : dict of str to str
        Name of each route and its title, in the order of precedence.
    classes : sequence of str, length C
    pictures : dict of str to str
        Data URIs by id.
    """
    kept = most_pressing(items, list(routes))
    items = {name: values[kept] for name, values in items.items()}
    places = {name: place for place, name in enumerate(items["id"].tolist())}
    content = {
        "routes": list(routes),
        "classes": list(classes),
        "columns": [_column(one, items[one.name], routes, classes) for one in _present(items)],
        "pictures": {places[name]: uri for name, uri in pictures.items() if name in places},
        **_bars(items["votes"], items["probabilities"]),
    }
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _present(items):
    known = {one.name for one in COLUMNS} | {"votes", "probabilities"}
    others = [name for name in items if name not in known]
    return [one for one in COLUMNS if one.name in items] + [
        Column(name, name.replace("_", ": ", 1), _kind_of(items[name]), "", listed=False)
        for name in others
        if items[name].ndim == 1
    ]


def _kind_of(values):
    return "number" if values.dtype.kind in "biuf" else "choice"


def _column(column, values, routes, classes):
    described = {
        "name": column.name,
        "title": column.title,
        "kind": column.kind,
        "listed": column.listed,
    }
    if column.kind == "choice":
        names = {"route": list(routes), "predicted": classes, "people": classes}.get(column.name)
        names = np.unique(values).tolist() if names is None else list(names)
        place = {name: index for index, name in enumerate(names)}
        titles = list(routes.values()) if column.name == "route" else [str(one) for one in names]
        return described | {
            "names": titles,
            "values": [place.get(value) for value in values.tolist()],
        }
    return described | {"values": _values(column.kind, values)}


def _values(kind, values):
    if kind == "text":
        return values.astype(str).tolist()
    if kind == "count":
        return values.astype(int).tolist()
    # More digits than are shown would only make the file larger.
    return [
        float(f"{value:.4g}") if np.isfinite(value) else None
        for value in values.astype(float).tolist()
    ]


def _bars(votes, probabilities):
    """For each item the classes with most votes or probability, by votes; forecasts in 1/1000."""
    top = min(MOST_BARS, votes.shape[1])
    found = []
    # In pieces, because shares and order of a thousand classes would not fit in memory at once.
    for start in range(0, len(votes), ROWS_AT_ONCE):
        counts = votes[start : start + ROWS_AT_ONCE]
        forecast = probabilities[start : start + ROWS_AT_ONCE]
        shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        largest = np.argsort(-np.maximum(shares, forecast), axis=1, kind="stable")[:, :top]
        first = np.argsort(
            -np.take_along_axis(shares + 1e-3 * forecast, largest, axis=1), axis=1, kind="stable"
        )
        largest = np.take_along_axis(largest, first, axis=1)
        found.append([largest, *(np.take_along_axis(a, largest, 1) for a in (counts, forecast))])
    classes, counts, forecast = (
        np.concatenate(parts).ravel() for parts in zip(*found, strict=True)
    )
    return {
        "top": top,
        "top_classes": classes.tolist(),
        "top_votes": counts.tolist(),
        "top_forecast": np.rint(1000 * forecast).astype(int).tolist(),
    }
