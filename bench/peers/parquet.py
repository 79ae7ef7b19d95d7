"""Parquet through pyarrow, tuned: zstd level 1, page index, statistics kept in memory by the handle.

Groups are picked by their statistics before anything is read, and only those are read: this is
faster than a pyarrow dataset with the same filter.
"""
import os

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from peers.peer import Peer, Unsupported, presorted, sync


class Handle:
    def __init__(self, path):
        self.file = pq.ParquetFile(path, memory_map=True, pre_buffer=False)
        metadata = self.file.metadata
        self.groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        self.starts = np.cumsum([0] + [g.num_rows for g in self.groups])
        self.bounds = {}

    def bounds_of(self, name):
        """Lowest and highest value of a column in each group, as numbers."""
        if name not in self.bounds:
            at = self.file.schema_arrow.get_field_index(name)
            pairs = []
            for group in self.groups:
                facts = group.column(at).statistics
                pairs.append((number(facts.min, self.file.schema_arrow.field(at).type),
                              number(facts.max, self.file.schema_arrow.field(at).type)))
            self.bounds[name] = np.array(pairs)
        return self.bounds[name]


def number(value, type_):
    return pa.scalar(value, type_).cast(pa.int64()).as_py() if pa.types.is_timestamp(type_) else value


class Parquet(Peer):
    """row_group: rows of a group; sorted_first: in an order that suits boxes."""

    def __init__(self, name, row_group, sorted_first=False):
        self.name, self.row_group, self.sorted_first = name, row_group, sorted_first

    def version(self):
        return f"pyarrow {pa.__version__}"

    def write(self, work, directory):
        if self.sorted_first and not work.order:
            raise Unsupported
        self.write_table(presorted(work) if self.sorted_first else work.table,
                         os.path.join(directory, "table.parquet"))
        sync(directory)

    def write_table(self, table, path):
        pq.write_table(table, path, row_group_size=self.row_group, compression="zstd",
                       compression_level=1, write_page_index=True)
        sync(path)

    def open(self, work, directory):
        return Handle(os.path.join(directory, "table.parquet"))

    def close(self, handle):
        handle.file.close()

    def scan(self, handle, columns=None):
        for i in range(len(handle.groups)):
            yield from self.group(handle, i, columns)

    def group(self, handle, i, columns):
        return handle.file.read_row_group(i, columns=columns, use_threads=False).to_batches()

    def box(self, handle, columns, lo, hi):
        ranges = list(zip(("x", "y"), lo, hi))
        return self.select(handle, columns, ranges)

    def where(self, handle, columns, column, lo, hi):
        return self.select(handle, columns, [(column, lo, hi)])

    def select(self, handle, columns, ranges):
        hit = np.ones(len(handle.groups), bool)
        for name, lo, hi in ranges:
            bounds = handle.bounds_of(name)
            hit &= (bounds[:, 0] <= hi) & (bounds[:, 1] >= lo)
        wanted = columns or handle.file.schema_arrow.names
        read = list(dict.fromkeys(wanted + [name for name, _, _ in ranges]))
        groups = [int(i) for i in np.flatnonzero(hit)]
        if not groups:
            return
        table = handle.file.read_row_groups(groups, columns=read, use_threads=False)
        mask = None
        for name, lo, hi in ranges:
            column = table[name]
            if pa.types.is_timestamp(column.type):
                lo, hi = (pa.scalar(v, pa.int64()).cast(column.type) for v in (lo, hi))
            part = pc.and_(pc.greater_equal(column, lo), pc.less_equal(column, hi))
            mask = part if mask is None else pc.and_(mask, part)
        yield from table.filter(mask).select(wanted).to_batches()

    def take(self, handle, rows, columns=None):
        group_of = np.searchsorted(handle.starts, rows, side="right") - 1
        groups, place = np.unique(group_of, return_inverse=True)
        table = handle.file.read_row_groups([int(g) for g in groups], columns=columns,
                                            use_threads=False)
        firsts = np.cumsum([0] + [handle.groups[g].num_rows for g in groups])
        at = firsts[place] + rows - handle.starts[group_of]
        return table.take(pa.array(at)).to_batches()

    def appender(self, batch, directory):
        if self.row_group != 1 << 20:
            raise Unsupported
        count = iter(range(10**9))

        def commit(batch):
            """A file for each commit, as datasets of Parquet files grow."""
            path = os.path.join(directory, f"{next(count):06}.parquet")
            self.write_table(pa.Table.from_batches([batch]), path + ".part")
            os.rename(path + ".part", path)
            sync(directory)
        return commit

    def read_back(self, directory):
        for name in sorted(os.listdir(directory)):
            yield from pq.read_table(os.path.join(directory, name), use_threads=False).to_batches()


PEERS = [Parquet("parquet 128 Ki groups", 128 << 10), Parquet("parquet 1 Mi groups", 1 << 20),
         Parquet("parquet Hilbert 20 Ki", 20_000, sorted_first=True)]
