"""Head, loss and gradients of the weights on 128 vectors of 1024 features: what peers compete with.

Not a script: `peer_probly.py` and `peer_edward2.py` time it.
"""

import numpy as np
import tensorflow as tf

ITEMS, FEATURES, CLASSES = 128, 1024, 10


def features_and_labels():
    """Tensors `(N, features)` and `(N,)`."""
    rng = np.random.default_rng(0)
    features = tf.constant(rng.uniform(size=(ITEMS, FEATURES)), tf.float32)
    return features, tf.constant(rng.integers(CLASSES, size=ITEMS))


def head_step(head, loss):
    """A call that computes the mean loss of `head` and its gradients, in a TensorFlow graph.

    `head` is a Keras layer or another callable with `trainable_variables`; `loss` takes labels and
    what `head` returns.
    """
    features, labels = features_and_labels()
    head(features)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(labels, head(features)))
        variables = head.trainable_variables
        return value, tape.gradient(value, [getattr(one, "value", one) for one in variables])

    return step
