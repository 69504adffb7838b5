"""The average of equals: networks that differ in their seed alone, and forecast together.

    folder = average_of_equals([first, second, third], out)

An average helps only among equals, so runs of different settings are refused. The passes of all
stand behind one another, so that epistemic doubt is also what the networks differ in.
"""

import dataclasses
import json
import pathlib

import numpy as np

from ferplus_evaluation import SPLITS, read_config, read_history_seconds
from hetero_unc.predictive import Predictive
from hetero_unc.training import open_run_folder
from hetero_unc.writing import write_json

__all__ = ["average_of_equals"]


def average_of_equals(run_folders, folder):
    """Leave a run folder of the average forecast, and return it.

    Parameters
    ----------
    run_folders : sequence of str or Path
        At least two finished runs, whose configurations differ in `seed` alone.
    folder : str or Path
        Where the new folder goes: that of the first run, with `-average-of-<number>`.

    Returns
    -------
    Path
        Holds the predictions that all runs have, a `config.json` whose method is theirs with
        `_average`, with `members`, their seeds, and `parts.json` with `seconds`, those of all
        trainings.

    Raises
    ------
    ValueError
        If there are fewer than two runs, a seed comes twice, other settings differ, or the
        predictions are of different rows.
    """
    run_folders = [pathlib.Path(path) for path in run_folders]
    configs = [read_config(path) for path in run_folders]
    seeds = [config["seed"] for config in configs]
    if len(set(seeds)) < max(2, len(seeds)):
        raise ValueError(
            "`run_folders` must be two or more runs of different seeds. "
            f"Received: seeds {seeds} of {[path.name for path in run_folders]}"
        )
    shared = {name: value for name, value in configs[0].items() if name != "seed"}
    for path, config in zip(run_folders, configs, strict=True):
        names = {*shared, *config} - {"seed"}
        other = sorted(name for name in names if config.get(name) != shared.get(name))
        if other:
            raise ValueError(
                "`run_folders` must differ in their seed alone. "
                f"Received: {path.name}, which differs in {', '.join(other)}"
            )
    together = {
        **shared,
        "method": f"{shared['method']}_average",
        "seed": seeds[0],
        "members": seeds,
    }
    name = f"{run_folders[0].name}-average-of-{len(seeds)}"
    with open_run_folder(pathlib.Path(folder) / name, json.loads(json.dumps(together))) as average:
        for split in SPLITS:
            for end in ("", "-deterministic"):
                file = f"predictive-{split}{end}.npz"
                if all((path / file).exists() for path in run_folders):
                    _together([path / file for path in run_folders]).save(average / file)
        # The epochs that validation chose are each network's own.
        write_json(average / "parts.json", _parts_of(run_folders))
    return average


def _parts_of(run_folders):
    seconds = [read_history_seconds(path) for path in run_folders]
    path = run_folders[0] / "parts.json"
    parts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    parts.pop("chosen_epoch", None)
    return {**parts, "seconds": None if None in seconds else sum(seconds)}


def _together(paths):
    """The passes of all files, one file after the other; rows in the order of the first."""
    members = [Predictive.load(path) for path in paths]
    ids, places = members[0].ids, []
    for path, member in zip(paths, members, strict=True):
        order = np.argsort(member.ids)
        if len(member) != len(ids) or not np.array_equal(member.ids[order], np.sort(ids)):
            raise ValueError(
                f"`run_folders` must have predicted the same rows. Received: {path}, whose rows "
                f"are not those of {paths[0]}"
            )
        places.append(order[np.searchsorted(member.ids, ids, sorter=order)])
    arrays = {}
    for field in dataclasses.fields(Predictive):
        values = [getattr(member, field.name) for member in members]
        if field.name != "ids" and values[0] is not None:
            arrays[field.name] = np.concatenate(
                [value[:, place] for value, place in zip(values, places, strict=True)]
            )
    return Predictive(ids=ids, **arrays)
