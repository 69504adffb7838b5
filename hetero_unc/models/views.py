"""A network that looks at each image more than once: turned a little, and in the mirror."""

import keras

from hetero_unc.layers import Rotation

__all__ = ["averaged_over_views"]


def averaged_over_views(model, *, angles=(0.0,), mirror=True, at="features"):
    """The model with the output of one layer averaged over views of the image.

    What comes after the layer, dropout and head, sees the mean and runs once. Views cost what they
    cost: each is one more pass through all that comes before.

    Args:
        model: Functional model of one image input `(N, H, W, K)`, a chain of layers from `at` on.
        angles: Degrees by which the image is turned; 0 is the image itself.
        mirror: Whether the mirror image of each is a view as well; for images whose class does not
            depend on left and right, such as faces.
        at: Name of that layer.

    Returns:
        A Functional model that shares every weight with `model`, and has a layer called `at`.

    Raises:
        ValueError: If there is no angle or no such layer, or what follows it is no chain.
    """
    angles = tuple(angles)
    if not angles:
        raise ValueError("`angles` must hold at least one angle. Received: none")
    names = [layer.name for layer in model.layers]
    if at not in names:
        raise ValueError(f"`at` must name a layer of the model. Received: at={at!r}")
    below = model.get_layer(at).output
    tail = model.layers[names.index(at) + 1 :]
    trunk = keras.Model(model.input, below, name=f"{model.name}_trunk")
    image = keras.Input(model.input_shape[1:], name="image")
    views = [Rotation(angle, dtype="float32")(image) if angle else image for angle in angles]
    if mirror:
        views += [keras.ops.flip(view, axis=2) for view in views]
    features = [trunk(view) for view in views]
    tensor = keras.layers.Average(name=at)(features) if len(features) > 1 else features[0]
    previous = below
    for layer in tail:
        if layer.input is not previous:
            raise ValueError(
                f"What follows `at` must be a chain of layers. Received: at={at!r}, and "
                f"{layer.name!r} does not follow the layer before it"
            )
        tensor, previous = layer(tensor), layer.output
    return keras.Model(image, tensor, name=f"{model.name}_of_views")
