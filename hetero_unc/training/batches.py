"""An endless stream of shuffled batches that can begin at any step.

A resumed run must see the batches that an uninterrupted one would have seen, so the order is a
function of the seed and the step alone.
"""

import numpy as np

__all__ = ["batches_in_order", "batches_per_pass", "shuffled_batches"]


def batches_per_pass(items, batch_size):
    """Batches that show each of `items` once; the last may be smaller."""
    return -(-items // batch_size)


def shuffled_batches(images, labels, batch_size, *, seed, first_step=0):
    """Yield `(images, labels)` batches for ever; every pass over the items is a new permutation.

    Parameters
    ----------
    images, labels : arrays whose first axes are of one length
    batch_size : int
    seed : int
    first_step : int, default=0
        Index of the first batch that is yielded.
    """
    per_pass = batches_per_pass(len(images), batch_size)
    step = first_step
    while True:
        number, within = divmod(step, per_pass)
        if within == 0 or step == first_step:
            order = np.random.default_rng([seed, number]).permutation(len(images))
        chosen = order[within * batch_size : (within + 1) * batch_size]
        yield images[chosen], labels[chosen]
        step += 1


def batches_in_order(images, labels, batch_size):
    """Yield `(images, labels)` batches for ever, every pass in the order of the items."""
    while True:
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            yield images[part], labels[part]
