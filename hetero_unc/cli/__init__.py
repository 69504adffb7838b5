"""The command `hetero-unc`. Only this room speaks to the terminal."""

from hetero_unc.cli.main import main

__all__ = ["main"]
