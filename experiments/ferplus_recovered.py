"""Does our evaluation give the paper's figures on the paper's own forecasts?

Question: the authors' notebook printed each forecast of their Baseline, and UncNet's total
uncertainty for each image. Do our metrics, on those and the votes, give what it printed beside
them?

    python experiments/ferplus_recovered.py --data-dir FOLDER       seconds

FOLDER holds FER+ (`fer2013.csv` and `fer2013new.csv`, or `ferplus.npz`) and `recovered.npz`, the
arrays parsed from that notebook (asmadotgh/unc-net, commit ef22af8), each in the folder itself or
in `ferplus/` and `uncnet/`. Writes `runs/ferplus/recovered.json`; fails if a figure that depends on
these arrays alone differs in a printed digit.

Numbers to expect: the 20 figures that the paper or the notebook printed of these arrays, to every
digit; so, too, 15 figures and 40 values by decile that other code computed from them. Correlations
with UncNet's total uncertainty agree to .0005, not better, because the notebook computed them from
other dropout passes than it printed. Leaving out the 305 test images that Training or PrivateTest
repeats changes none of this: accuracy .5513, JS distance .473. UncNet's own probabilities were
printed with their middle left out, so its accuracy, its distances and the t-test are not here.

The lists of kept rows were matched to rows by Baseline's forecasts, and four different images have
one forecast, equal in every bit, as of a network whose last hidden layer is silent. Which of the
four were kept follows from UncNet's total uncertainty, and for the epistemic part from the figures.

Protocol: the paper's nine columns, PublicTest for testing and PrivateTest for tuning.
"""

import argparse
import os
import pathlib
import sys

import numpy as np
from rich.console import Console
from rich.table import Table

from hetero_unc import metrics
from hetero_unc.archives import read_arrays
from hetero_unc.data import has_twin_in, identical_groups, load_ferplus
from hetero_unc.data.ferplus_protocols import paper_nine_columns
from hetero_unc.data.sources import VARIABLE
from hetero_unc.writing import write_json
from recovered_figures import of_all_rows, of_correlations, of_kept_rows, of_other_ways

SHAPES = {
    "baseline_probabilities_test": (3579, 9),
    "baseline_probabilities_valid": (3573, 9),
    "uncnet_total_test": (3579,),
    "kept_by_aleatoric": (2684,),
    "kept_by_epistemic": (2684,),
    "kept_by_total": (2684,),
}
# By decile of UncNet's total uncertainty, as computed before from the same arrays by other code.
DECILES = {
    "confidence": "0.756 0.591 0.518 0.474 0.457 0.435 0.415 0.406 0.384 0.355",
    "share": "0.849 0.682 0.569 0.491 0.491 0.432 0.375 0.377 0.365 0.275",
    "brier": "0.270 0.501 0.607 0.681 0.669 0.733 0.765 0.771 0.774 0.836",
    "null": "0.389 0.584 0.653 0.689 0.704 0.723 0.737 0.746 0.761 0.779",
}
DECILE_WORDS = {
    "confidence": "confidence",
    "share": "share of the votes",
    "brier": "Brier score",
    "null": "calibrated null",
}


def read_recovered(data_dir):
    """The authors' arrays, from `recovered.npz` in `data_dir` or its folder `uncnet`."""
    data_dir = pathlib.Path(data_dir)
    paths = [folder / "recovered.npz" for folder in (data_dir, data_dir / "uncnet")]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise FileNotFoundError(
            "`data_dir` must hold recovered.npz, itself or in a folder `uncnet`. Received: "
            f"data_dir={str(data_dir)!r}"
        )
    arrays = read_arrays(path, kind="npz of the authors' outputs", remedy="Fetch it again.")
    found = {name: np.shape(arrays[name]) for name in SHAPES if name in arrays}
    if found != SHAPES:
        raise ValueError(f"{path} must hold arrays of these shapes: {SHAPES}. Received: {found}")
    return arrays


def run(data_dir, out):
    """Compute all figures, write `out/recovered.json` and return its content, a dict."""
    arrays, ferplus = read_recovered(data_dir), load_ferplus(data_dir)
    protocol = paper_nine_columns(ferplus)
    test = protocol.among(ferplus.rows_of("PublicTest"))
    tuning = protocol.among(ferplus.rows_of("PrivateTest"))
    others = np.setdiff1d(protocol.rows, test.rows)
    twins = has_twin_in(identical_groups(ferplus.images), test.rows, others)
    figures = [
        *of_all_rows(test, tuning, arrays),
        *of_kept_rows(test, arrays),
        *of_correlations(test, arrays),
        *of_other_ways(test, arrays, twins),
    ]
    bins = metrics.brier_by_uncertainty(
        test.votes, arrays["baseline_probabilities_test"], arrays["uncnet_total_test"], n_bins=10
    )
    deciles = {
        name: {
            "printed": printed.split(),
            "recomputed": [f"{value:.3f}" for value in getattr(bins, name)],
        }
        for name, printed in DECILES.items()
    }
    agree = [figure.agrees for figure in figures if figure.exact and figure.printed]
    agree += [row["printed"] == row["recomputed"] for row in deciles.values()]
    result = {
        "protocol": protocol.name,
        "statement": protocol.statement,
        "ferplus_digest": ferplus.digest,
        "all_agree": all(agree),
        "figures": [figure.as_json() for figure in figures],
        "deciles": deciles,
    }
    write_json(pathlib.Path(out) / "recovered.json", result)
    return result


def show(result, console):
    """Print the figures and the deciles as tables."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for heading in ("Baseline on PublicTest", "printed", "here", "digits", "printed where"):
        table.add_column(heading, justify="right" if heading in ("printed", "here") else "left")
    for figure in result["figures"]:
        differ = "differ" if figure["exact"] else "other dropout passes"
        table.add_row(
            figure["words"],
            figure["printed"] or "-",
            figure["recomputed"],
            {True: "same", False: differ, None: ""}[figure["agrees"]],
            figure["source"] or "",
        )
    console.print(table)
    console.print("\nBaseline by decile of UncNet's total uncertainty\n")
    table = Table(box=None, padding=(0, 1, 0, 0))
    for heading in ("", *range(1, 11), "digits"):
        table.add_column(str(heading))
    for name, row in result["deciles"].items():
        agrees = "same" if row["printed"] == row["recomputed"] else "differ"
        table.add_row(DECILE_WORDS[name], *row["recomputed"], agrees)
    console.print(table)
    console.print(f"\nProtocol {result['protocol']}: {result['statement']}.")


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data-dir", type=pathlib.Path, default=os.environ.get(VARIABLE), help=f"else {VARIABLE}"
    )
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/ferplus"))
    options = parser.parse_args(arguments)
    if not options.data_dir:
        parser.error(f"name a folder by --data-dir or {VARIABLE}")
    result = run(options.data_dir, options.out)
    show(result, Console())
    if not result["all_agree"]:
        raise ValueError(
            "a figure differs from what was printed: the evaluation is not the paper's"
        )


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
