"""What a peer can be asked. A new peer is a file in this directory with a class PEERS names.

Every method that reads gives an iterable of pyarrow record batches, whatever the peer's own form of
data is; the harness touches every value of each in the same way for all. What a peer cannot do
raises Unsupported and shows as a dash. One core, and durable when a write returns.
"""
import os
import pathlib

import pyarrow as pa


class Unsupported(Exception):
    pass


class Peer:
    name = "?"

    def version(self):
        return "?"

    def write(self, work, directory):
        """Writes all of `work.table` below `directory`, durably. Returns a note or None."""
        raise Unsupported

    def open(self, work, directory):
        """A handle for the reads below; the harness times it too."""
        raise Unsupported

    def close(self, handle):
        pass

    def scan(self, handle, columns=None):
        raise Unsupported

    def box(self, handle, columns, lo, hi):
        """Cells whose coordinates lie in lo..hi, ends included."""
        raise Unsupported

    def where(self, handle, columns, column, lo, hi):
        """Rows with lo <= column <= hi."""
        raise Unsupported

    def take(self, handle, rows, columns=None):
        """Rows by position, in the order asked for."""
        raise Unsupported

    def find(self, handle, column, value, columns=None):
        """Rows in which the key column (work.key) holds the value."""
        raise Unsupported

    def appender(self, batch, directory):
        """A function that commits one batch durably, for a new table shaped like `batch`."""
        raise Unsupported

    def read_back(self, directory):
        """All that appender's function has committed."""
        raise Unsupported

    def write_grid(self, grid, directory):
        """Writes a NumPy array below `directory`, durably."""
        raise Unsupported

    def open_grid(self, directory):
        """A handle for read_grid."""
        raise Unsupported

    def read_grid(self, handle, corner, sides):
        """A NumPy array: the box of these sides that begins at the corner."""
        raise Unsupported


def presorted(work):
    """The table in an order that suits box queries. Peers that do not sort get it made before their
    writing is timed; the report says what it took."""
    if not hasattr(work, "in_order"):
        work.in_order = work.table.take(pa.array(work.order())).combine_chunks()
    return work.in_order


def sync(path):
    """A file or directory on stable storage."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def bytes_below(directory):
    """(bytes, files) of a directory."""
    sizes = [p.stat().st_size for p in pathlib.Path(directory).rglob("*") if p.is_file()]
    return sum(sizes), len(sizes)
