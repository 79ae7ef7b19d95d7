"""Other tile settings of arrays that are there: every version of every cell stays, whoever writes
beside it, and reads as of any time answer as before.                                     NH1 T9"""

import os
import pathlib
import random
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from library import StoreTest  # noqa: E402
import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
from engine import ALL_VERSIONS, AS_OF, DENSE, SPARSE, TABLE, Engine, Refused  # noqa: E402

SEEDS = int(os.environ.get("TEG_SEEDS", "6"))
SCHEMA = pa.schema([pa.field("x", pa.int64(), nullable=False), pa.field("v", pa.float64()),
                    pa.field("s", pa.string())])
DERIVED = ["system_until"]  # known only where a merge has looked


def rows(table):
    return sorted(map(repr, table.to_pylist()))


class Rechunk(StoreTest):
    Store = Engine

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

    # ---- other extents: another order ----

    def plane(self, kind, n, rng, **choices):
        """Cells of a plane, some put again, some deleted, over several commits and one merge."""
        schema = pa.schema([pa.field(d, pa.int32(), nullable=False) for d in "xy"] + [pa.field("v", pa.int64())])
        side = int(n ** 0.5) * 2
        txn = self.store.begin()
        self.store.create(txn, "a", schema, kind, [(d, 0, side - 1, 100) for d in "xy"], **choices)
        self.store.commit(txn)
        for commit in range(4):
            at = rng.choice(side * side, n // (1 + commit), replace=False)
            x, y = (at // side).astype("int32"), (at % side).astype("int32")
            txn = self.store.begin()
            if commit == 2:
                self.store.delete(txn, "a", {"x": x[:n // 9], "y": y[:n // 9]})
            else:
                self.store.put(txn, "a", pa.record_batch([x, y, at + commit], schema=schema))
            self.store.commit(txn)
            if commit == 1:
                self.store.compact(array=b"a")

    def said(self):
        """Of every version, and as of each commit, in an order of its own."""
        def ordered(table):
            return table.drop_columns(DERIVED).sort_by([(name, "ascending") for name in table.column_names
                                                        if name not in DERIVED])
        every = ordered(self.store.scan("a", mode=ALL_VERSIONS))
        times = sorted(set(every.column("system_from").cast(pa.int64()).to_pylist()))
        return every, [ordered(self.store.scan("a", mode=AS_OF, system_time=t)) for t in times]

    def test_other_extents_keep_every_version(self):  # NH1
        for kind, n, extents in ((SPARSE, 200_000, {"x": 37, "y": 11}), (DENSE, 150_000, {"x": 16}),
                                 (SPARSE, 3000, {"x": 1, "y": 1}), (DENSE, 3000, {"x": 1, "y": 60})):
            with self.subTest(kind=kind, n=n):
                self.tearDown()
                self.setUp()
                self.plane(kind, n, np.random.default_rng(n))
                before = self.said()
                self.store.compact(array=b"a", extents=extents)
                after = self.said()
                self.assertTrue(before[0].equals(after[0]))
                self.assertTrue(all(a.equals(b) for a, b in zip(before[1], after[1], strict=True)))

    def test_other_extents_beside_a_writer(self):
        self.plane(SPARSE, 20_000, np.random.default_rng(5))
        other, stop, n, refused = Engine(self.folder.name + "/s"), threading.Event(), [0], [0]
        schema = pa.schema([pa.field(d, pa.int32(), nullable=False) for d in "xy"] + [pa.field("v", pa.int64())])
        before = self.store.scan("a").num_rows

        def write():
            while not stop.is_set():
                txn = other.begin()
                try:
                    other.put(txn, "a", pa.record_batch([pa.array([0], pa.int32()), pa.array([0], pa.int32()),
                                                         pa.array([-1 - n[0]])], schema=schema))
                    other.commit(txn)
                    n[0] += 1
                except Refused:  # staged for the old extents
                    refused[0] += 1
                stop.wait(0.05)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for extent in (7, 50, 3):
                try:
                    self.store.compact(array=b"a", extents={"x": extent, "y": extent})
                except Refused as err:
                    self.assertRegex(str(err), "faster than it is written anew")
        finally:
            stop.set()
            writer.join()
            other.close()
        table = self.store.scan("a")
        self.assertLessEqual(table.num_rows - before, 1)
        last = [row["v"] for row in table.to_pylist() if row["x"] == row["y"] == 0]
        self.assertEqual(last, [-n[0]] if n[0] else last)
        self.assertEqual(len(self.store.scan("a", no_prune=True)), table.num_rows)

    def test_extents_that_cannot_be(self):
        self.plane(SPARSE, 10, np.random.default_rng(1))
        for options, why in (({"extents": {"z": 3}}, "no dimension z"), ({"extents": {"x": 3}, "by_policy": True}, "not by policy"),
                             ({"extents": {"x": 3}, "array": None}, "of one array")):
            with self.subTest(options=options), self.assertRaisesRegex(Refused, why):
                self.store.compact(**{"array": b"a", **options})

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
