"""One script a claim. `make bench` runs them all; README.md says what each one measures."""
