"""Reports: one self-contained page each, from arrays and files. Nothing here calls a model."""
