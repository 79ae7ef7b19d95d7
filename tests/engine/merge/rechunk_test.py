"""Other tile settings of arrays that are there: every version of every cell stays, whoever writes
beside it, and reads as of any time answer as before.                                     NH1 T9"""

import os
import pathlib
import random
import sys
import tempfile
import threading
import unittest

if os.environ.get("TEG_SANITIZE"):
    sys.exit(77)  # a sanitizer's runtime cannot be loaded into a Python that lacks it
try:
    import numpy as np
    import pyarrow as pa
except ImportError:
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "reader"))
from engine import ALL_VERSIONS, AS_OF, SPARSE, TABLE, Engine, Refused  # noqa: E402

SEEDS = int(os.environ.get("TEG_SEEDS", "6"))
SCHEMA = pa.schema([pa.field("x", pa.int64(), nullable=False), pa.field("v", pa.float64()),
                    pa.field("s", pa.string())])
DERIVED = ["system_until"]  # known only where a merge has looked


def rows(table):
    return sorted(map(repr, table.to_pylist()))


class Rechunk(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.store = Engine(self.folder.name + "/s", auto_compact=False)

    def tearDown(self):
        self.store.close()
        self.folder.cleanup()

    def make(self, **choices):
        txn = self.store.begin()
        self.store.create(txn, "a", SCHEMA, SPARSE, [("x", None, None, 0)], **choices)
        self.store.commit(txn)

    def put(self, store, keys, value):
        txn = store.begin()
        store.put(txn, "a", pa.record_batch([pa.array(keys, pa.int64()), pa.array([value] * len(keys), pa.float64()),
                                             pa.array([f"text {k % 7}" for k in keys])], schema=SCHEMA))
        store.commit(txn)

    def history(self, rng):
        self.make(tile_cells=rng.choice([16, 300, 0]), profile=rng.choice([0, 1, 2]))
        for n in range(rng.randint(1, 6)):
            keys = rng.sample(range(1000), rng.randint(1, 600))
            if n and rng.random() < 0.3:
                txn = self.store.begin()
                self.store.delete(txn, "a", {"x": np.array(keys)})
                self.store.commit(txn)
            else:
                self.put(self.store, keys, float(n))

    def answers(self):
        said = self.store.scan("a", mode=ALL_VERSIONS).drop_columns(DERIVED)
        times = sorted(set(said.column("system_from").cast(pa.int64()).to_pylist()))
        return rows(said), [rows(self.store.scan("a", mode=AS_OF, system_time=t).drop_columns(DERIVED))
                            for t in times]

    def test_no_version_is_lost(self):  # NH1
        for seed in range(SEEDS):
            rng = random.Random(seed)
            with self.subTest(seed=seed):
                self.tearDown()
                self.setUp()
                self.history(rng)
                before = self.answers()
                for _ in range(2):
                    settings = {"tile_cells": rng.choice([10, 100, 65536])}
                    if rng.random() < 0.5:
                        settings.update(has_profile=True, profile=rng.choice([0, 1, 2]))
                    self.store.compact(array=b"a", **settings)
                    self.assertEqual(self.answers(), before)

    def test_writers_go_on_beside_it(self):
        self.make(tile_cells=64)
        self.put(self.store, range(3000), -1.0)
        other, stop, n = Engine(self.folder.name + "/s"), threading.Event(), [0]

        def write():
            while not stop.is_set() and n[0] < 200:
                self.put(other, [n[0], 100_000 + n[0]], float(n[0]))
                n[0] += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for cells in (100, 1000, 65536):
                self.store.compact(array=b"a", tile_cells=cells)
        finally:
            stop.set()
            writer.join()
            other.close()
        got = dict(zip(*(self.store.scan("a").column(i).to_pylist() for i in (0, 1))))
        want = dict.fromkeys(range(3000), -1.0)
        for i in range(n[0]):
            want[i] = want[100_000 + i] = float(i)
        self.assertEqual(got, want)

    def test_what_cannot_be_is_refused(self):
        self.make()
        for settings, why in (({"tile_cells": 65537}, "at most 65536"), ({"has_profile": True, "profile": 3}, "profile 3"),
                              ({"tile_cells": 10, "by_policy": True}, "not by policy"),
                              ({"tile_cells": 10, "array": b"none"}, "none")):
            with self.subTest(settings=settings), self.assertRaisesRegex(Refused, why):
                self.store.compact(**{"array": b"a", **settings})

    def test_tables_keep_ids_and_keys(self):
        txn = self.store.begin()
        schema = pa.schema([pa.field("v", pa.int64())])
        self.store.create(txn, "t", schema, TABLE)
        self.store.put(txn, "t", pa.record_batch([pa.array(range(5000))], schema=schema))
        self.store.commit(txn)
        before = rows(self.store.scan("t"))
        self.store.compact(tile_cells=100)
        self.assertEqual(rows(self.store.scan("t")), before)


if __name__ == "__main__":
    unittest.main()
