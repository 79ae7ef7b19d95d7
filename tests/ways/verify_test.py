"""import --verify (H14): what was stored is compared with the source, whatever the kind of array."""
import datetime
import json
import pathlib
import tempfile
import unittest

import tool

tool.need("numpy", "pyarrow")
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


class Verify(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        self.store = str(self.dir / "store")

    def file(self, table, name="a.parquet"):
        pq.write_table(table, self.dir / name, row_group_size=50_000)
        return str(self.dir / name)

    def verified(self, source, *options):
        out = tool.ok("import", source, self.store, "--array", "a", "--verify", "--format", "json", *options)
        facts = json.loads(out)
        self.assertIs(facts["verified"], True)
        return facts

    def differs(self, text, source, *options):
        code, out, message = tool.run("import", source, self.store, "--array", "a", "--verify", *options)
        self.assertEqual((code, out, message.count("\n")), (1, b"", 1), message)
        self.assertIn(text, message)
        self.assertIn("the import stays", message)

    def test_tables(self):
        table = pa.table({"i": range(200_000), "s": [f"x{i % 977}" if i % 5 else None for i in range(200_000)]})
        self.verified(self.file(table))
        self.verified(self.file(table.slice(7)), "--append")
        self.verified(self.file(table.slice(0, 0)), "--append")
        # A narrower type is widened, exactly; the key makes a second import the first.
        narrow = pa.table({"i": pa.array([1, None], pa.int8()), "s": pa.array(["a", "a"]).dictionary_encode()})
        self.verified(self.file(narrow), "--append", "--key", "me:1")
        self.assertEqual(self.verified(self.file(narrow), "--append", "--key", "me:1")["repeated"], True)
        updates = pa.table({"id": pa.array([5, 3], pa.int64()), "i": [-5, -3], "s": ["u", None]})
        self.verified(self.file(updates), "--append", "--row-id", "id")

    def test_parts(self):
        (self.dir / "parts").mkdir()
        for i in range(12):
            pq.write_table(pa.table({"i": [i] * 1000}), self.dir / "parts" / f"part-{i}.parquet")
        before = {p.name: p.read_bytes() for p in (self.dir / "parts").iterdir()}
        self.assertEqual(self.verified(self.dir / "parts")["rows"], "12000")
        self.assertEqual({p.name: p.read_bytes() for p in (self.dir / "parts").iterdir()}, before)

    def test_cells(self):
        random = np.random.default_rng(3)
        n = 300_000
        keys = random.permutation(n)
        table = pa.table({"x": keys % 1000, "y": keys // 1000, "v": random.random(n), "s": [f"{k % 99}" for k in keys]})
        self.verified(self.file(table), "--dims", "x,y")
        self.verified(self.file(table.slice(5, 1000)), "--append", "--dims", "x,y")

    def test_cells_twice_are_a_difference_in_unique_arrays_only(self):
        twice = pa.table({"x": [1, 2, 1], "v": [1.0, 2.0, 3.0]})
        self.verified(self.file(twice), "--dims", "x", "--cells", "repeated")
        self.store = str(self.dir / "unique")
        self.differs("column v, row 0", self.file(twice), "--dims", "x")
        self.assertIn(b"a,sparse", tool.ok("ls", self.store, "--format", "csv"))
        again = pa.table({"x": [7, 7], "v": [1.0, 1.0]})
        self.differs("row 1", self.file(again), "--dims", "x", "--append")

    def test_coordinates_lose_the_sign_of_zero_and_nothing_else(self):
        table = pa.table({"x": [-0.0, 1.5], "v": pa.array([-0.0, float("nan")])})
        self.verified(self.file(table), "--dims", "x")

    def test_valid_time(self):
        day = datetime.datetime(2020, 1, 1)
        table = pa.table({"x": [1, 1, 2], "v": ["a", "b", "c"],
                          "since": pa.array([None, day, day], pa.timestamp("ms")),
                          "to": pa.array([day, None, None], pa.timestamp("ms"))})
        options = ("--valid-from", "since", "--valid-until", "to")
        self.verified(self.file(table), "--dims", "x", *options)
        self.store = str(self.dir / "table")
        self.verified(self.file(table), *options)
        self.store = str(self.dir / "overlap")
        self.differs("column valid_until, row 0", self.file(table.set_column(3, "to", pa.array([None] * 3, pa.timestamp("ms")))),
                     "--dims", "x", *options)

    def test_dense_boxes(self):
        for order in "CF":
            self.store = str(self.dir / f"dense{order}")
            array = np.asarray(np.random.default_rng(1).random((300, 200, 20)), order=order)
            np.save(self.dir / "a.npy", array)
            self.verified(self.dir / "a.npy", "--kind", "dense")
            self.verified(self.dir / "a.npy", "--append")
        np.save(self.dir / "t.npy", np.array([["NaT", 1], [2, "NaT"]], "M8[us]"))
        self.store = str(self.dir / "times")
        self.verified(self.dir / "t.npy", "--kind", "dense")

    def test_stdin_cannot_be_read_twice(self):
        code, _, message = tool.run("import", "-", self.store, "--array", "a", "--verify", "--file-format", "csv", stdin=b"a\n1\n")
        self.assertEqual(code, 2)
        self.assertIn("stdin", message)


unittest.main()
