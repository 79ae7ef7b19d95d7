"""Lance through its Python package: one dataset, compacted, the handle reused. Keys have a BTREE index.

Lance syncs nothing itself; the files are synced here, as a write must be durable when it returns.
"""
import os
import pathlib

import lance
import numpy as np
import pyarrow as pa

from peers.peer import Peer, Unsupported, presorted, sync


def sync_below(directory):
    for path in pathlib.Path(directory).rglob("*"):
        sync(path)
    sync(directory)


def text_of(value):
    return f"'{value}'" if isinstance(value, str) else str(value)


class Lance(Peer):
    name = "lance"

    def version(self):
        return lance.__version__

    def write(self, work, directory):
        path = os.path.join(directory, "table.lance")
        data = lance.write_dataset(presorted(work) if work.order else work.table, path)
        data.optimize.compact_files()
        if work.key:
            data.create_scalar_index(work.key, "BTREE")
        sync_below(directory)

    def open(self, work, directory):
        return lance.dataset(os.path.join(directory, "table.lance"))

    def scan(self, handle, columns=None):
        return handle.scanner(columns=columns).to_batches()

    def box(self, handle, columns, lo, hi):
        where = f"x >= {lo[0]} AND x <= {hi[0]} AND y >= {lo[1]} AND y <= {hi[1]}"
        return handle.scanner(columns=columns, filter=where).to_batches()

    def where(self, handle, columns, column, lo, hi):
        if column == "time_hour":
            lo, hi = (f"arrow_cast({v}, 'Timestamp(Microsecond, Some(\"UTC\"))')" for v in (lo, hi))
        return handle.scanner(columns=columns, filter=f"{column} >= {lo} AND {column} <= {hi}").to_batches()

    def take(self, handle, rows, columns=None):
        return handle.take(np.asarray(rows), columns=columns).to_batches()

    def find(self, handle, column, value, columns=None):
        return handle.scanner(columns=columns, filter=f"{column} = {text_of(value)}").to_batches()

    def appender(self, batch, directory):
        path = os.path.join(directory, "table.lance")
        lance.write_dataset(pa.Table.from_batches([], batch.schema), path)

        def commit(batch):
            lance.write_dataset(pa.Table.from_batches([batch]), path, mode="append")
            sync_below(directory)
        return commit

    def read_back(self, directory):
        yield from self.scan(self.open(None, directory))


PEERS = [Lance()]
