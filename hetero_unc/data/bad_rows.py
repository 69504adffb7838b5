"""Rows of a file that cannot be used: all are counted, the first are named with their reason."""

from hetero_unc.data.csv_writing import write_csv

__all__ = ["BadRows"]

SHOWN = 20
# A file of which more is bad is another file than it was taken for.
MOST_KEPT = 1_000_000


class BadRows:
    """Collects the bad rows of one file.

    Parameters
    ----------
    where : str
        Name of the file or data frame, for messages.
    columns : sequence of str
        Its columns.
    keep_all : bool
        Keep the cells of all, for `write`; otherwise only the first rows are kept, and all are
        counted.
    """

    def __init__(self, where, columns, *, keep_all=False):
        self.where, self.columns = where, columns
        self.most = MOST_KEPT if keep_all else SHOWN
        self.rows = []
        self.count = 0

    def __len__(self):
        return self.count

    def add(self, place, reason, cells):
        """Note a row: where it stands ("line 3"), why it cannot be used, and what it holds."""
        self.count += 1
        if len(self.rows) < self.most:
            self.rows.append((place, reason, cells))
        elif self.most == MOST_KEPT:
            self.refuse(f"More than {MOST_KEPT} bad rows are not skipped.")

    def refuse(self, remedy):
        """Raise ValueError if there are any, naming the first 20, and what to do about them."""
        if not self.count:
            return
        shown = [f"\n  {place}: {reason}" for place, reason, _ in self.rows[:SHOWN]]
        more = self.count - len(shown)
        raise ValueError(
            f"{self.where} must hold no row that cannot be used. Received: {self.count} such rows"
            f"{''.join(shown)}" + (f"\n  and {more} more" if more else "") + f"\n{remedy}"
        )

    def write(self, path):
        """Write all of them to a csv file: where, why, and the cells as they were.

        Raises
        ------
        OSError
            Naming `path`, where it cannot be written.
        """
        write_csv(
            path,
            ["where", "reason", *self.columns],
            ([place, reason, *cells] for place, reason, cells in self.rows),
        )
