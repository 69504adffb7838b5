"""Dropout and augmentation that differ between the replicas of a `tf.distribute` strategy.

Keras' replicas hold equal seeds: left alone, the first item of each would get the same mask.
"""

import keras
from keras import ops

from hetero_unc.gaussian.seeds import replica_number

__all__ = ["differ_between_replicas"]

# Seeds given to the layers of a model are often neighbours.
FAR_APART = 7919


def differ_between_replicas(model):
    """Make every seed of `model` count the replica in, where its strategy has several.

    The states of the seeds, and so the checkpoints, stay as they are.
    """
    strategy = getattr(model, "distribute_strategy", None)  # on TensorFlow only
    if strategy is None or strategy.num_replicas_in_sync == 1:
        return
    for layer in model._flatten_layers():
        for value in vars(layer).values():
            if isinstance(value, keras.random.SeedGenerator) and "next" not in vars(value):
                value.next = _of_replica(value.next)


def _of_replica(plain):
    def next_of_replica(ordered=True):
        seed = plain(ordered)
        return seed + ops.cast(ops.stack([FAR_APART * replica_number(), 0]), seed.dtype)

    return next_of_replica
