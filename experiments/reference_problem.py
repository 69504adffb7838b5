"""Random labels, forecasts and votes, and what the loops over them share."""

import numpy as np

ITEMS, CLASSES, BINS = 300, 4, 10
# Of float32 references; two optimisers each stop when they are near enough.
OF_VALUES, OF_OPTIMA = 1e-5, 1e-3


class Problem:
    """Labels, forecast, passes and votes of random items; the forecast is too sure."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        truth = rng.dirichlet(np.ones(CLASSES), ITEMS)
        self.labels = np.array([rng.choice(CLASSES, p=row) for row in truth])
        passes = truth**1.5 * rng.uniform(0.5, 1.5, (8, ITEMS, CLASSES))
        self.passes = passes / passes.sum(axis=2, keepdims=True)
        self.forecast = self.passes.mean(axis=0)
        self.predicted = self.forecast.argmax(axis=1)
        self.confidence = self.forecast.max(axis=1)
        self.hits = self.predicted == self.labels
        self.doubt = rng.normal(size=ITEMS) - self.hits
        self.votes = rng.multinomial(rng.integers(2, 12, ITEMS), truth)
        self.shares = self.votes / self.votes.sum(axis=1, keepdims=True)
        self.agreed = self.votes[np.arange(ITEMS), self.predicted]
        # One row an annotation.
        item, label = np.nonzero(self.votes)
        count = self.votes[item, label]
        self.annotation_item = np.repeat(item, count)
        self.annotation = np.repeat(label, count)
        self.loc, self.scale = rng.normal(size=(2, 8, ITEMS, CLASSES))
        self.scale = np.exp(self.scale)


def note_rows_in(rows):
    """A decorator that puts (name, reference, needs, within, function) into `rows`.

    The function takes a `Problem` and gives our figures and the reference's, which may differ by
    `within`; `needs` are libraries that need not be there.
    """

    def row(name, reference, *, needs=(), within=OF_VALUES):
        def note(both):
            rows.append((name, reference, needs, within, both))
            return both

        return note

    return row


def pairs(confidence, hits, bins=None):
    """(share of items, mean confidence, mean hit) of each filled bin closed on the right."""
    bins = np.ceil(confidence * BINS) if bins is None else bins
    for number in np.unique(bins):
        inside = bins == number
        yield inside.mean(), confidence[inside].mean(), hits[inside].mean()


def equal_mass(values):
    """Number of the bin of equally many values, by counting the smaller ones."""
    return np.array([BINS * (values < value).sum() // len(values) for value in values])
