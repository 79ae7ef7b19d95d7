"""Vortex files through its Python package, default encodings. One worker; text as string views."""
import os

import numpy as np
import pyarrow as pa
import vortex as vx
import vortex.expr as ve

from peers.peer import Peer, Unsupported, presorted, sync


class Vortex(Peer):
    def __init__(self, name, sorted_first):
        self.name, self.sorted_first = name, sorted_first
        vx.set_worker_threads(1)

    def version(self):
        return vx.__version__

    def write(self, work, directory):
        if self.sorted_first and not work.order:
            raise Unsupported
        path = os.path.join(directory, "table.vortex")
        vx.io.write(presorted(work) if self.sorted_first else work.table, path)
        sync(path)
        sync(directory)

    def open(self, work, directory):
        return vx.open(os.path.join(directory, "table.vortex"))

    def scan(self, handle, columns=None):
        return handle.to_arrow(columns)

    def box(self, handle, columns, lo, hi):
        x, y = ve.column("x"), ve.column("y")
        return handle.to_arrow(columns, expr=(x >= lo[0]) & (x <= hi[0]) & (y >= lo[1]) & (y <= hi[1]))

    def where(self, handle, columns, column, lo, hi):
        if column == "time_hour":
            lo, hi = (ve.literal(vx.timestamp("us", tz="UTC"), v) for v in (lo, hi))
        else:
            lo, hi = float(lo), float(hi)  # the only other column asked for holds doubles
        c = ve.column(column)
        return handle.to_arrow(columns, expr=(c >= lo) & (c <= hi))

    def take(self, handle, rows, columns=None):
        """Rows have to ascend here, so they are put back into the order asked for."""
        unique, places = np.unique(rows, return_inverse=True)
        table = handle.to_arrow(columns, indices=vx.array(pa.array(unique))).read_all()
        return table.cast(without_views(table.schema)).take(pa.array(places)).to_batches()


def without_views(schema):
    """pyarrow cannot take rows of string views."""
    return pa.schema([f.with_type(pa.string()) if pa.types.is_string_view(f.type) else f
                      for f in schema])


PEERS = [Vortex("vortex", False), Vortex("vortex Hilbert", True)]
