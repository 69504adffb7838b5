"""What the page shows of a row of results: the run folder behind it, and its predictions."""

from ferplus_doubts import predicted_disagreement
from ferplus_evaluation import identity, prepared, read_config, read_predictive, voted_items
from ferplus_results import METHODS, method_name
from hetero_unc.reports.voted_run import VotedRun

__all__ = ["SPLIT", "find_run", "predictions_of", "voted_run"]

SPLIT = "publictest"  # the paper's test part


def find_run(folder, row):
    """The run folder of a row, by what the configurations say.

    Raises
    ------
    FileNotFoundError
        If no configuration in `folder` says the same.
    """
    for path in sorted(folder.glob("*/config.json")):
        config = read_config(path.parent)
        # Evidence of other kinds may stand beside the runs, and rows may be older than an entry.
        if "method" in config and all(
            row.get(name, value) == value for name, value in identity(config).items()
        ):
            return path.parent
    found = f"{row['method']}, recipe {row['recipe']}, seed {row['seed']}, epochs {row['epochs']}"
    raise FileNotFoundError(
        f"`folder` must hold the run of each row that is shown. Received: {folder}, without {found}"
    )


def predictions_of(folder, row, data):
    """Predictions of a row's run on the test part, and the rows that the nine columns keep of it.

    Raises
    ------
    FileNotFoundError
        If the run or its predictions are missing.
    """
    path = find_run(folder, row)
    predictive = read_predictive(path, SPLIT, data, deterministic=row["passes"] == 0)
    if predictive is None:
        raise FileNotFoundError(
            f"{path} must hold the predictions of {SPLIT} that its row in results.json is about"
        )
    return voted_items(predictive, data, SPLIT, prepared(data)[0])


def voted_run(folder, row, data):
    """The `VotedRun` of a row."""
    predictive, kept = predictions_of(folder, row, data)
    _, colour, line, marker = METHODS[row["method"]]
    return VotedRun(
        name=method_name(row),
        summary=predictive.summarise(),
        predicted_disagreement=predicted_disagreement(predictive),
        votes=kept.votes,
        images=data.images[kept.rows],
        class_names=kept.classes,
        row=row,
        colour=colour,
        line=line,
        marker=marker,
        groups=prepared(data)[2][kept.rows],
    )
