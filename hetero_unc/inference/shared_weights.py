"""Copies of a layer that hold the same variables."""

import keras

__all__ = ["copy_sharing_weights"]


def copy_sharing_weights(layer, *, seed):
    """A copy of `layer` made from its config, whose weights are the variables of `layer`.

    Training or loading either changes both. Seeds are the copy's own.

    Args:
        layer: A Keras layer or model, built.
        seed: Integer given to the copy where the config has a `seed` that is None, so that no
            global random state is asked for one.

    Raises:
        ValueError: the config of `layer` does not rebuild it.
    """
    classes = {type(part).__name__: type(part) for part in layer._flatten_layers()}
    try:
        config = layer.get_config()
        if "seed" in config and config["seed"] is None:
            config["seed"] = seed
        with keras.saving.custom_object_scope(classes):
            copy = type(layer).from_config(config)
        if layer.weights and not copy.built:
            copy.build_from_config(layer.get_build_config())
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ValueError(_not_copied(layer)) from error
    if _signature(copy) != _signature(layer):
        raise ValueError(_not_copied(layer))
    _replace_weights(copy, dict(zip(map(id, copy.weights), layer.weights, strict=True)))
    return copy


def _signature(layer):
    return [(weight.name, tuple(weight.shape)) for weight in layer.weights]


def _not_copied(layer):
    return (
        "A layer or subclassed model that holds dropout must come back from "
        "`from_config(get_config())`, with all its weights after "
        "`build_from_config(get_build_config())`; write these methods, or keep its dropout in "
        "layers of a Sequential or Functional model. "
        f"Received: {layer.name!r} of class {type(layer).__name__}"
    )


def _replace_weights(copy, replacements):
    """Put `replacements[id(weight)]` wherever a layer inside `copy` keeps `weight`.

    Keras has no public way to build a layer on variables that exist: its attributes and its two
    lists of weights are written directly.
    """
    for part in copy._flatten_layers():
        for weights in (part._trainable_variables, part._non_trainable_variables):
            weights[:] = [replacements.get(id(weight), weight) for weight in weights]
        for name, value in vars(part).items():
            if isinstance(value, keras.Variable):
                vars(part)[name] = replacements.get(id(value), value)
            elif isinstance(value, list):
                list.__setitem__(
                    value, slice(None), [replacements.get(id(item), item) for item in value]
                )
            elif isinstance(value, dict):
                for key, item in value.items():
                    if id(item) in replacements:
                        dict.__setitem__(value, key, replacements[id(item)])
