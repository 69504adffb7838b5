"""Which column of a vote table holds what."""

import dataclasses

from hetero_unc.data.names import check_class_names

__all__ = ["VoteColumns", "find_columns", "find_id_column"]

ID_COLUMNS = ("image", "id")
GROUP = "group_"


@dataclasses.dataclass(frozen=True)
class VoteColumns:
    """Positions of the columns in a row.

    Attributes
    ----------
    width : int
        How many cells a row has.
    id : int
    counts, undecided : dict of str to int
        Columns of counts by class, and by answers that are no class; empty where rows have labels.
    label, annotator, split : int or None
    groups : dict of str to int
        By name without "group_".
    ignored : tuple of str
        Columns that are none of these.
    """

    width: int
    id: int
    counts: dict[str, int]
    undecided: dict[str, int]
    label: int | None
    annotator: int | None
    split: int | None
    groups: dict[str, int]
    ignored: tuple[str, ...]

    @property
    def attributes(self):
        """Positions of what belongs to an item and not to a vote: the split, then the groups."""
        return ([] if self.split is None else [self.split]) + list(self.groups.values())


def find_columns(columns, classes, undecided, where):
    """Tell from the names of the columns what is in them; `read_votes` says how.

    Parameters
    ----------
    columns : list of str
        All different.
    classes : tuple of str, or None
    undecided : tuple of str
    where : str
        The file's name, for messages.

    Returns
    -------
    VoteColumns

    Raises
    ------
    ValueError
        Where a column is missing.
    """
    position = {name: index for index, name in enumerate(columns)}
    id_column = find_id_column(columns, where)
    groups = {
        name.removeprefix(GROUP): index
        for name, index in position.items()
        if name.startswith(GROUP) and name != GROUP
    }
    taken = {columns[id_column], "split", *(GROUP + name for name in groups)}
    others = [name for name in columns if name not in taken]
    if "label" in position:
        counts, unsure = {}, {}
        taken |= {"label", "annotator"}
    else:
        names = [name for name in others if name not in undecided] if classes is None else classes
        missing = [name for name in (*names, *undecided) if name not in others]
        if missing or len(names) < 2 or "annotator" in others:
            raise ValueError(
                f"{where} must have a column of counts for each of at least 2 classes, or a "
                f"column 'label'. Received: {_listed(columns)}"
                + (f"; there is none for {_listed(missing)}" if missing else "")
            )
        counts = {name: position[name] for name in check_class_names(names)}
        unsure = {name: position[name] for name in undecided}
        taken |= {*counts, *unsure}
    return VoteColumns(
        width=len(columns),
        id=id_column,
        counts=counts,
        undecided=unsure,
        label=position.get("label"),
        annotator=position.get("annotator"),
        split=position.get("split"),
        groups=groups,
        ignored=tuple(name for name in columns if name not in taken),
    )


def find_id_column(columns, where):
    """Position of the one column that names the items.

    Raises
    ------
    ValueError
        Where there is none, or more than one.
    """
    found = [index for index, name in enumerate(columns) if name in ID_COLUMNS]
    if len(found) != 1:
        raise ValueError(
            f"{where} must have one column that names the items, {' or '.join(ID_COLUMNS)}. "
            f"Received: {_listed(columns)}"
        )
    return found[0]


def _listed(names):
    """The first names, in a form that is safe to print."""
    shown = ", ".join(f"{name!r:.40}" for name in names[:12])
    return f"{len(names)} columns: {shown}" + (", ..." if len(names) > 12 else "")
