"""The results table of README, from the committed rows: a mean and a spread over seeds each.

python experiments/results_table.py            prints it
python experiments/results_table.py --write    puts it into README.md between its two marks
"""

import argparse
import json
import pathlib
import statistics

ROOT = pathlib.Path(__file__).parents[1]
ROWS = ROOT / "experiments" / "results" / "mnist.json"
README = ROOT / "README.md"
MARKS = ("<!-- results: python experiments/results_table.py --write -->", "<!-- end of results -->")
GROUP = ("recipe", "method", "estimator", "passes", "precision")
COLUMNS = {  # heading -> key, factor, decimals
    "accuracy, %": ("accuracy", 100, 2),
    "log loss": ("nll", 1, 4),
    "ECE": ("ece", 1, 4),
    "AUROC, other images": ("auroc_ood", 1, 3),
    "mean scale": ("mean_scale", 1, 4),
}


def results_table(rows):
    """Rows of `results.json` -> a Markdown table, one line a recipe, method and passes."""
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in GROUP), []).append(row)
    lines = [
        f"| recipe | method | estimator | passes | epochs | seeds | {' | '.join(COLUMNS)} |",
        f"| {' | '.join(['---'] * (6 + len(COLUMNS)))} |",
    ]
    for (recipe, method, estimator, passes, _), group in groups.items():
        cells = [spread(group, *column) for column in COLUMNS.values()]
        epochs = f"{group[0]['epochs']:.3g}"
        first = [recipe, method, estimator, str(passes or "none"), epochs, str(len(group))]
        lines.append(f"| {' | '.join(first + cells)} |")
    return "\n".join(lines)


def spread(group, name, factor, decimals):
    """Mean and standard deviation over seeds; the value alone where there is one seed."""
    values = [factor * row[name] for row in group if row[name] is not None]
    if not values:
        return "–"
    mean = f"{statistics.fmean(values):.{decimals}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{decimals}f}"


def with_table(readme, table):
    """The text of README with what stands between the marks replaced."""
    before, rest = readme.split(MARKS[0], 1)
    _, after = rest.split(MARKS[1], 1)
    return f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="update README.md in place")
    table = results_table(json.loads(ROWS.read_text(encoding="utf-8")))
    if parser.parse_args().write:
        README.write_text(with_table(README.read_text(encoding="utf-8"), table), encoding="utf-8")
    else:
        print(table)


if __name__ == "__main__":
    main()
