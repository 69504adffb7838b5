"""Values of Gaussian logits whose gradients come with them, rather than from a tape."""

from keras import ops

__all__ = ["with_own_gradient"]


def with_own_gradient(function):
    """A differentiable function of loc and scale, made of one that computes its own gradients.

    Args:
        function: Function of loc and scale, `(N, C)`, that returns a value `(N,)` and its
            derivatives in loc and in scale, `(N, C)`.

    Returns:
        Function of the same arguments -> the value, differentiable once.
    """

    @ops.custom_gradient
    def value(loc, scale):
        # A tape would otherwise follow nodes and draws too, whose gradients nobody asks for.
        found, to_loc, to_scale = function(ops.stop_gradient(loc), ops.stop_gradient(scale))

        def gradient(*args, upstream=None):
            upstream = (args[0] if upstream is None else upstream)[:, None]
            return upstream * to_loc, upstream * to_scale

        return found, gradient

    return value
