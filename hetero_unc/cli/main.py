"""`hetero-unc`: reads the command line and hands over to the command's own file.

A command's file has `add_parser(commands)`, which describes its arguments, and `run(arguments)`,
which returns the exit code. Anything heavy is imported inside `run`.
"""

import argparse
import sys

from hetero_unc import __version__
from hetero_unc.cli import audit, compare, evaluate, fit, info, predict

__all__ = ["main"]

COMMANDS = (fit, predict, audit, compare, evaluate, info)
# What argparse itself exits with: the command was understood, its input was not.
BAD_INPUT = 2

DESCRIPTION = "Classifiers that say how doubtful they are, and why."
NEXT_STEPS = """\
what to do next:
  1. In a clone of the repository type
         make mnist
     It trains three classifiers of handwritten digits, in under ten minutes on two cores, and
     writes runs/mnist/report.html, a page that shows how doubtful each digit is, and why.
  2. Judge the predictions that it leaves, or your own in the same form:
         hetero-unc evaluate predictive.npz --labels labels.npy
  3. Train on images and votes of your own, and ask which predictions to trust:
         hetero-unc fit images votes.csv --out run
         hetero-unc predict run images --out predictions.npz
         hetero-unc audit predictions.npz --votes votes.csv --out audit
  4. Put the head on a Keras model of yours: README.md has the twenty lines, and notebooks/ walks
     through them.

`hetero-unc COMMAND --help` describes a command.
"""


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, optional
        The arguments; those of the process if not given.

    Returns
    -------
    int
        Exit code: 0; what the command says of a condition that is met; 2 after a message on
        standard error where the input is bad, one line unless it lists rows; 130 after Ctrl-C.
        Wrong usage exits with 2 through `SystemExit`, as argparse does.
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if "run" not in arguments:
        parser.print_help()
        return 0
    try:
        return arguments.run(arguments)
    # FloatingPointError: training broke down; RuntimeError: another process is at work there.
    except (FloatingPointError, ImportError, OSError, RuntimeError, ValueError) as error:
        print(f"hetero-unc {arguments.command}: error: {message_of(error)}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return 130  # what a shell reports for a command ended by Ctrl-C


def build_parser():
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="hetero-unc",
        description=DESCRIPTION,
        epilog=NEXT_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hetero-unc {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def message_of(error):
    """The message of `error`, its lines without blanks around them; of a system's error, its file.

    Some list the rows that are bad, one a line.
    """
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    text = str(error.args[-1] if isinstance(error, OSError) and error.args else error)
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())
