"""A network that looks at each image and at its mirror image."""

import keras

__all__ = ["mirror_averaged"]


def mirror_averaged(model, *, at="features"):
    """The model with the output of one layer averaged over the image and its mirror image.

    What comes after the layer, dropout and head, sees the mean of both and runs once. For images
    whose class does not depend on left and right, such as faces.

    Args:
        model: Functional model of one image input `(N, H, W, K)`, a chain of layers from `at` on.
        at: Name of that layer.

    Returns:
        A Functional model that shares every weight with `model`, and has a layer called `at`.

    Raises:
        ValueError: If there is no such layer, or what follows it is no chain.
    """
    names = [layer.name for layer in model.layers]
    if at not in names:
        raise ValueError(f"`at` must name a layer of the model. Received: at={at!r}")
    below = model.get_layer(at).output
    tail = model.layers[names.index(at) + 1 :]
    trunk = keras.Model(model.input, below, name=f"{model.name}_trunk")
    image = keras.Input(model.input_shape[1:], name="image")
    mirrored = keras.ops.flip(image, axis=2)
    tensor = keras.layers.Average(name=at)([trunk(image), trunk(mirrored)])
    previous = below
    for layer in tail:
        if layer.input is not previous:
            raise ValueError(
                f"What follows `at` must be a chain of layers. Received: at={at!r}, and "
                f"{layer.name!r} does not follow the layer before it"
            )
        tensor, previous = layer(tensor), layer.output
    return keras.Model(image, tensor, name=f"{model.name}_mirrored")
