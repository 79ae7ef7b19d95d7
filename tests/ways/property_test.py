"""Random schemas with random data through every way in and out, bit for bit: put and scan, merges, a store
opened again, takes in other batches, Arrow IPC, Parquet, and Parquet as pyarrow reads it. Each attribute is
a random type of its own, up to four types in each other.

V1 V2 V3 B16 H1 P5 X19. PROPERTY_SCHEMAS: how many attributes; PROPERTY_SEED: of the first array."""
import os
import pathlib
import sys
import tempfile

import tool

tool.need("numpy", "pyarrow")
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reader"))
import engine  # noqa: E402
from random_columns import TIMES, plain, random_array, random_type, same  # noqa: E402

SCHEMAS = int(os.environ.get("PROPERTY_SCHEMAS", 2000))
SEED = int(os.environ.get("PROPERTY_SEED", 1))
EACH = 250  # attributes of an array
SHARED = "/dev/shm" if os.path.isdir("/dev/shm") else None


def differing(table, wanted):
    return [f"{name}: {array.type}" for name, array in wanted.items()
            if not same(table.column(name), array)]


class Trial:
    def __init__(self, seed, n_columns, folder):
        self.rng, self.seed, self.folder = np.random.default_rng(seed), seed, folder
        self.schema = pa.schema([pa.field(f"c{i}", random_type(self.rng, 4), bool(self.rng.random() < 0.7))
                                 for i in range(n_columns)])
        self.batches = []

    def expect(self, table, way):
        assert table.num_rows == len(next(iter(self.wanted.values()))), f"seed {self.seed}, {way}: rows"
        bad = differing(table, self.wanted)
        assert not bad, f"seed {self.seed}, {way}: {len(bad)} columns differ: {bad[:3]}"

    def scans(self, path, way, **options):
        store = engine.Engine(path, auto_compact=False)
        try:
            self.expect(store.scan("t", **options), way)
        finally:
            store.close()

    def put(self, path):
        """In one to three commits, of batches that may begin in the middle of their buffers."""
        rng, store = self.rng, engine.Engine(path, auto_compact=False)
        txn = store.begin()
        store.create(txn, "t", self.schema, engine.TABLE, tile_cells=int(rng.choice([0, 7, 16])),
                     profile=int(rng.integers(3)))
        for _ in range(rng.integers(1, 4)):
            n, cut = int(rng.integers(1, 25)), int(rng.choice([0, 0, 3]))
            arrays = [random_array(rng, f.type, n + cut, f.nullable) for f in self.schema]
            batch = pa.record_batch(arrays, schema=self.schema).slice(cut)
            store.put(txn, "t", batch)
            store.commit(txn)
            self.batches.append(batch)
            txn = store.begin()
        store.lib.teg_txn_abort(txn)
        self.wanted = {f.name: pa.concat_arrays([b.column(i) for b in self.batches])
                       for i, f in enumerate(self.schema)}
        self.expect(store.scan("t"), "scan")
        store.compact()
        self.expect(store.scan("t"), "compacted")
        store.close()

    def file(self, kind):
        """Out to a file and in again; the path of the file."""
        path, back = self.folder / f"t.{kind}", self.folder / f"back-{kind}"
        tool.ok("export", self.folder / "store", path, "--array", "t")
        tool.ok("import", path, back, "--array", "t", "--verify")
        self.scans(back, kind)
        return path

    def run(self):
        store = self.folder / "store"
        self.put(store)
        self.scans(store, "opened again, in small batches", batch_rows=5)
        self.expect(pa.ipc.open_file(str(self.file("arrow"))).read_all(), "Arrow by pyarrow")
        parquet = pq.read_table(self.file("parquet"))
        # Parquet has no seconds, and its fixed-size lists may be lists: our own way back knows better.
        kept = {f.name: self.wanted[f.name] for f in self.schema if parquet.schema.field(f.name).type == plain(f.type)}
        assert len(kept) > len(self.wanted) / 3, f"seed {self.seed}: {len(kept)} types by pyarrow"
        bad = differing(parquet, kept)
        assert not bad, f"seed {self.seed}, Parquet by pyarrow: {bad[:3]}"


def main():
    seed, left = SEED, SCHEMAS
    while left > 0:
        with tempfile.TemporaryDirectory(dir=SHARED) as folder:
            Trial(seed, min(left, EACH), pathlib.Path(folder)).run()
        seed, left = seed + 1, left - EACH
    print(f"{SCHEMAS} schemas")


if __name__ == "__main__":
    main()
