"""The table of measured ratios, with the bar that each has to reach.

python -m benchmarks.table            prints that of benchmarks/results.json
python -m benchmarks.table --write    puts it into README.md and benchmarks/README.md
"""

import argparse
import dataclasses
import json
import pathlib

from hetero_unc.writing import write_text

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results.json"
PAGES = (ROOT / "README.md", ROOT / "benchmarks" / "README.md")  # the chosen rows, and all
MARKS = ("<!-- benchmarks:start -->", "<!-- benchmarks:end -->")


@dataclasses.dataclass(frozen=True)
class Claim:
    """What one id compares, and the bar: `limit` is the most, or with `at_least` the least."""

    text: str
    limit: float
    at_least: bool = False

    def holds(self, ratio):
        """Whether a measured ratio reaches the bar."""
        return ratio >= self.limit if self.at_least else ratio <= self.limit


CLAIMS = {
    "exact_step": Claim("training step of the MNIST CNN: exact loss / plain softmax", 1.05),
    "draws_step": Claim("the same with 1000 draws / plain softmax", 1.15),
    "exact_error": Claim("largest error of expected probabilities: exact / 1000 draws", 1 / 5000),
    "exact_cost_c10": Claim("loss and gradients, N=128, C=10: exact / 1000 draws", 1 / 12),
    "exact_cost_c1000": Claim("the same, C=1000", 1 / 12),
    "votes_cost": Claim("ten votes, N=128, C=10: exact / 1000 draws", 1 / 5),
    "loss_memory_mib": Claim("N=128, C=1000, 1000 draws: memory above plain softmax, MiB", 64),
    "passes_large_prefix": Claim("100 passes / one plain pass, InceptionResNetV2", 1.1),
    "passes_mnist": Claim("100 passes / one plain pass, MNIST CNN", 2),
    "passes_vs_predict": Claim("100 passes: loop over model.predict / ours", 25, at_least=True),
    "passes_vs_peer": Claim("100 passes: torch-uncertainty / ours", 10, at_least=True),
    "audit_seconds_50k": Claim("audit of 50,000 items, 10 classes, 20 passes, seconds", 60),
}


def results_table(rows):
    """Rows of `results.json` -> a Markdown table, the claims with a bar first."""
    lines = [("id", "what is compared", "measured", "95 % interval", "n", "bar", "")]
    ranks = {name: rank for rank, name in enumerate(CLAIMS)}
    for row in sorted(rows, key=lambda row: ranks.get(row["id"], len(ranks))):
        claim = CLAIMS.get(row["id"])
        text = claim.text if claim else row.get("claim", "")
        spread = ("low", "high")
        interval = " to ".join(_number(row[end]) for end in spread) if "low" in row else "–"
        bar, verdict = "–", ""
        if claim:
            bar = f"{'>=' if claim.at_least else '<='} {_number(claim.limit)}"
            verdict = "holds" if claim.holds(row["ratio"]) else "**short**"
        lines.append(
            (row["id"], text, _number(row["ratio"]), interval, str(row["n"]), bar, verdict)
        )
    return _markdown(lines)


def page_text(path, rows):
    """What stands between the marks of a page: the front page has bars and peers, the other all."""
    if path == PAGES[0]:
        rows = [row for row in rows if row["id"] in CLAIMS or row["script"].startswith("peer_")]
    return f"{results_table(rows)}\n\n{provenance(rows)}"


def seconds_table(rows):
    """The medians behind the ratios, in milliseconds, as a Markdown table."""
    lines = [("id", "timed", "median, ms")]
    for row in rows:
        for name, seconds in row.get("seconds", {}).items():
            lines.append((row["id"], name, f"{1000 * seconds:.4g}"))
    return _markdown(lines)


def provenance(rows):
    """Sentences that say where the rows were measured, and at which commits."""
    machines = ", and on ".join(sorted({row["machine"] for row in rows}))
    commits = ", ".join(sorted({row["commit"][:10] for row in rows}))
    kind = " A quick run: figures are rough." if any(row.get("quick") for row in rows) else ""
    return f"Measured on {machines}; commit {commits}.{kind}"


def terminal_table(rows):
    """`results_table` without Markdown's emphasis."""
    return results_table(rows).replace("**", "")


def with_table(page, table):
    """The text of a page with what stands between the marks replaced.

    Raises
    ------
    ValueError
        If the page has not both marks, once each and in order.
    """
    if [page.count(mark) for mark in MARKS] != [1, 1] or page.index(MARKS[0]) > page.index(
        MARKS[1]
    ):
        raise ValueError(f"The page must hold each mark once, in order. Expected: marks={MARKS}")
    before, rest = page.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    return f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="update the pages in place")
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))
    if not parser.parse_args().write:
        print(page_text(PAGES[1], rows))
        return
    pages = {
        path: with_table(path.read_text(encoding="utf-8"), page_text(path, rows)) for path in PAGES
    }
    for path, page in pages.items():
        write_text(path, page)


def _number(value):
    """Three digits; a small one as a fraction of one, as the bars are stated."""
    if 0 < value < 0.3:
        return f"1/{_number(1 / value)}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _markdown(lines):
    """Tuples of cells, the first the heading -> a table whose columns line up as plain text too."""
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rows = [" | ".join(map(str.ljust, line, widths)) for line in lines]
    rows.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {text} |" for text in rows)


if __name__ == "__main__":
    main()
