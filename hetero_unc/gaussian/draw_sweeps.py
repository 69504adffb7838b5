"""Means over draws of Gaussian logits, a part of the draws at a time.

Nothing of shape (D, N, C) is ever alive, nor kept for the gradients: these have closed forms that
are means over the same draws. They are accumulated in the same sweep where the loss of one label
asks for them; where they depend on sums over all draws, a second sweep makes the same draws anew
from their seed.

Notation: p_d = softmax(z_d), z_d = loc + scale e_d. Within this module classes come before items,
`(C, N)`, as in `hetero_unc.gaussian.sequences`.
"""

import functools
import math
import typing

from keras import ops

from hetero_unc.gaussian.compiled import compiled, in_turn
from hetero_unc.gaussian.own_gradient import with_own_gradient
from hetero_unc.gaussian.sampling import loc_and_scale
from hetero_unc.gaussian.sequences import is_compiled, part_length, part_of, randomness

__all__ = ["drawn_cross_entropy", "drawn_log_expected_softmax", "drawn_vote_likelihood"]

# Below any log-probability in float32. Not -inf, whose difference with itself is NaN.
LOWEST = -1e30


class Plan(typing.NamedTuple):
    """What a sweep must know when it is compiled, not only when it runs."""

    sequence: str
    draws: int
    num_classes: int


def drawn_cross_entropy(parameters, distributions, draws, *, seed, sequence):
    """mean_d -sum_k q_k log p_dk.

    Args:
        parameters: Tensor `(N, C, 2)`.
        distributions: Tensor `(N, C)`, the q; rows sum to one.
        draws: Integer D.
        seed: Integer. The same seed, parameters and sequence give the same draws.
        sequence: One of `hetero_unc.gaussian.sequences.SEQUENCES`.

    Returns:
        `(N,)`, nats, differentiable in the parameters.
    """
    return _of_labels(_cross_entropy, parameters, distributions, draws, seed, sequence)


def drawn_vote_likelihood(parameters, votes, draws, *, seed, sequence):
    """-log mean_d prod_k p_dk^{votes_k}: with one vote an item, the marginal likelihood.

    Args:
        parameters: Tensor `(N, C, 2)`.
        votes: Tensor `(N, C)` of counts. A row without votes gives 0.
        draws, seed, sequence: As in `drawn_cross_entropy`.

    Returns:
        `(N,)`, nats, differentiable in the parameters; finite also where every draw's product is
        below what float32 can hold.
    """
    return _of_labels(_vote_likelihood, parameters, votes, draws, seed, sequence)


def drawn_log_expected_softmax(parameters, draws, *, seed, sequence):
    """log mean_d p_d.

    Args:
        parameters: Tensor `(N, C, 2)`.
        draws, seed, sequence: As in `drawn_cross_entropy`.

    Returns:
        `(N, C)`, nats, differentiable in the parameters; rows of its exp sum to one.
    """
    parameters = ops.convert_to_tensor(parameters)
    loc, scale = loc_and_scale(parameters)
    plan = Plan(sequence, draws, loc.shape[1])
    random = randomness(sequence, parameters, seed=seed)
    forward, backward = (_run(one, plan) for one in (_log_sum_softmax, _log_sum_softmax_gradients))

    @ops.custom_gradient
    def function(loc, scale):
        loc, scale = _constants(loc, scale)
        log_sum = forward(plan, random, loc, scale)

        def gradient(*args, upstream=None):
            upstream = ops.transpose(args[0] if upstream is None else upstream)
            parts = backward(plan, random, loc, scale, log_sum, upstream)
            return tuple(ops.transpose(part) for part in parts)

        return ops.transpose(log_sum) - math.log(draws), gradient

    return function(loc, scale)


def _of_labels(sweep, parameters, labels, draws, seed, sequence):
    """One value an item, with the gradients that its sweep has found on the way."""
    parameters = ops.convert_to_tensor(parameters)
    loc, scale = loc_and_scale(parameters)
    plan = Plan(sequence, draws, loc.shape[1])
    random = randomness(sequence, parameters, seed=seed)
    labels = ops.transpose(labels)

    def value_and_gradient(loc, scale):
        loc, scale = ops.transpose(loc), ops.transpose(scale)
        value, *gradients = _run(sweep, plan)(plan, random, loc, scale, labels)
        return value, *map(ops.transpose, gradients)

    return with_own_gradient(value_and_gradient)(loc, scale)


def _cross_entropy(plan, random, loc, scale, labels):
    def update(state, noise):
        total, probabilities, weighted_noise, sum_noise = state
        log_sum, p = _log_sum_exp_and_softmax(loc + scale * noise)
        return (
            total + ops.sum(log_sum, axis=0),
            probabilities + ops.sum(p, axis=0),
            weighted_noise + ops.sum(p * noise, axis=0),
            sum_noise + ops.sum(noise, axis=0),
        )

    state = (ops.zeros_like(loc[0]), *(ops.zeros_like(loc) for _ in range(3)))
    state = _sweep(update, state, plan, random, loc)
    total, probabilities, weighted_noise, mean_noise = (part / plan.draws for part in state)
    # The label meets the mean of the draws, since its term is linear in the logits.
    value = total - ops.sum(labels * (loc + scale * mean_noise), axis=0)
    return value, probabilities - labels, weighted_noise - labels * mean_noise


def _vote_likelihood(plan, random, loc, scale, votes):
    """With n votes v and weights w_d = l_d / sum_d l_d, l_d the likelihood given draw d:

    dL/dloc = sum_d w_d (n p_d - v), dL/dscale = sum_d w_d (n p_d - v) e_d. The weights are kept
    relative to the largest l_d so far, so that one of 1e-30 counts.
    """
    total_votes = ops.sum(votes, axis=0)

    def update(state, noise):
        largest, total, probabilities, weighted = state
        logits = loc + scale * noise
        log_sum, p = _log_sum_exp_and_softmax(logits)
        log_p = ops.sum(votes * (logits - ops.expand_dims(log_sum, 1)), axis=1)
        now_largest = ops.maximum(largest, ops.max(log_p, axis=0))
        shrink, weight = ops.exp(largest - now_largest), ops.exp(log_p - now_largest)
        weight = ops.expand_dims(weight, 1)
        p = weight * total_votes * p
        return (
            now_largest,
            total * shrink + ops.sum(weight, axis=(0, 1)),
            probabilities * shrink + ops.sum(p, axis=0),
            weighted * shrink + ops.sum((p - weight * votes) * noise, axis=0),
        )

    nothing = ops.zeros_like(loc[0])
    state = (nothing + LOWEST, nothing, ops.zeros_like(loc), ops.zeros_like(loc))
    largest, total, probabilities, weighted = _sweep(update, state, plan, random, loc)
    value = -(largest + ops.log(total / plan.draws))
    return value, probabilities / total - votes, weighted / total


def _log_sum_softmax(plan, random, loc, scale):
    def update(state, noise):
        largest, total = state
        log_p = _log_softmax(loc + scale * noise)
        now_largest = ops.maximum(largest, ops.max(log_p, axis=0))
        total = total * ops.exp(largest - now_largest)
        return now_largest, total + ops.sum(ops.exp(log_p - now_largest), axis=0)

    state = (ops.zeros_like(loc) + LOWEST, ops.zeros_like(loc))
    largest, total = _sweep(update, state, plan, random, loc)
    return largest + ops.log(total)


def _log_sum_softmax_gradients(plan, random, loc, scale, log_sum, upstream):
    """With shares r_dk = p_dk / sum_d p_dk: dL/dloc_j = sum_d r_dj g_j - p_dj sum_k g_k r_dk."""

    def update(state, noise):
        log_p = _log_softmax(loc + scale * noise)
        weighted = upstream * ops.exp(log_p - log_sum)
        weighted = weighted - ops.exp(log_p) * ops.sum(weighted, axis=1, keepdims=True)
        return tuple(
            part + ops.sum(one, axis=0)
            for part, one in zip(state, (weighted, weighted * noise), strict=True)
        )

    state = (ops.zeros_like(loc), ops.zeros_like(loc))
    return _sweep(update, state, plan, random, loc)


def _log_sum_exp_and_softmax(logits):
    """`(part, N)` and `(part, C, N)` of logits `(part, C, N)`; each exp is taken once."""
    largest = ops.max(logits, axis=1, keepdims=True)
    exponential = ops.exp(logits - largest)
    total = ops.sum(exponential, axis=1, keepdims=True)
    return ops.squeeze(largest + ops.log(total), 1), exponential / total


def _log_softmax(logits):
    return logits - ops.logsumexp(logits, axis=1, keepdims=True)


def _sweep(update, state, plan, random, like):
    """`state` after `update(state, noise)` with each part of the noise."""
    shape = (plan.num_classes, ops.shape(like)[1])
    part = part_of(plan.sequence, random, plan.draws, shape)
    length = part_length(*plan)
    parts = math.ceil(plan.draws / length)

    # The next part is made in the turn before it is used: were it used where it is made, XLA would
    # make it again for each operation that reads it.
    def turn(index, carried):
        noise, state = carried
        return part(index + 1), update(state, noise)

    noise = part(0)
    if parts > 1:
        noise, state = in_turn(0, parts - 1, turn, (noise, state))
    return update(state, noise[: plan.draws - (parts - 1) * length])


def _constants(*tensors):
    """Classes first; a tape that looked inside a sweep would keep each turn's numbers."""
    return tuple(ops.transpose(ops.stop_gradient(tensor)) for tensor in tensors)


@functools.cache
def _compiled(sweep):
    return compiled(sweep)


def _run(sweep, plan):
    return _compiled(sweep) if is_compiled(*plan) else sweep
