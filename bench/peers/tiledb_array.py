"""TileDB dense arrays: tiles of 64^3, byte shuffle and zstd 1, one thread, no cache of tiles."""
import os
import pathlib

import numpy as np
import tiledb

from peers.peer import Peer, sync

TILE = 64


class TileDB(Peer):
    name = "tiledb"

    def version(self):
        return f"{tiledb.__version__}, core {'.'.join(map(str, tiledb.libtiledb.version()))}"

    def context(self):
        return tiledb.Ctx({"sm.compute_concurrency_level": "1", "sm.io_concurrency_level": "1",
                           "sm.tile_cache_size": "0"})

    def write_grid(self, grid, directory):
        path, context = os.path.join(directory, "grid"), self.context()
        dims = [tiledb.Dim(name, domain=(0, n - 1), tile=min(TILE, n), dtype=np.int64, ctx=context)
                for name, n in zip("zyx", grid.shape)]
        filters = tiledb.FilterList([tiledb.ByteShuffleFilter(), tiledb.ZstdFilter(1)])
        schema = tiledb.ArraySchema(tiledb.Domain(*dims, ctx=context), ctx=context, attrs=[
            tiledb.Attr("v", dtype=grid.dtype, filters=filters, ctx=context)])
        tiledb.Array.create(path, schema, ctx=context)
        with tiledb.open(path, "w", ctx=context) as array:
            array[:] = grid
        for file in pathlib.Path(directory).rglob("*"):
            sync(file)
        sync(directory)

    def open_grid(self, directory):
        return tiledb.open(os.path.join(directory, "grid"), ctx=self.context())

    def read_grid(self, handle, corner, sides):
        return handle[tuple(slice(at, at + n) for at, n in zip(corner, sides))]["v"]


PEERS = [TileDB()]
