"""What draws of the logits say of the expected softmax: `(D, N, C)` -> per item.

Each reduces over the draws in the log domain, so that a probability of 1e-30 stays one.
"""

from keras import ops

__all__ = ["expected_agreement", "expected_entropy", "log_expected_softmax", "log_mean_exp"]


def log_mean_exp(values, axis=0):
    """log of the mean of exp(values) over `axis`."""
    return ops.logsumexp(values, axis=axis) - ops.log(ops.cast(ops.shape(values)[axis], "float32"))


def log_expected_softmax(logits):
    """log mean_d softmax(logits_d): `(D, N, C)` -> `(N, C)`; rows of its exp sum to one."""
    return log_mean_exp(ops.log_softmax(logits, axis=-1))


def expected_entropy(logits):
    """mean_d H[softmax(logits_d)]: `(D, N, C)` -> `(N,)`, nats."""
    log_probabilities = ops.log_softmax(logits, axis=-1)
    entropy = -ops.sum(ops.exp(log_probabilities) * log_probabilities, axis=-1)
    return ops.mean(entropy, axis=0)


def expected_agreement(logits):
    """mean_d sum_k softmax(logits_d)_k^2: `(D, N, C)` -> `(N,)`, in [1 / C, 1].

    The chance that two annotators who share the logits name the same class.
    """
    return ops.mean(ops.sum(ops.square(ops.softmax(logits, axis=-1)), axis=-1), axis=0)
