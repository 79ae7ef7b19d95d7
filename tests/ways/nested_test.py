"""Lists, fixed-size lists and structs, null in each other, in the hands of others: Parquet by pyarrow, Polars
and DuckDB; files of pyarrow and Polars by our own import. P5 V1 V2 B16 H15"""
import pathlib
import tempfile
import unittest

import tool

tool.need("numpy", "pyarrow", "polars", "duckdb")
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

VECTOR = pa.list_(pa.float32(), 3)
POINT = pa.struct([("at", pa.list_(pa.field("item", pa.float64(), False), 2)), ("tag", pa.utf8())])
COLUMNS = {
    "full": pa.array([[1, 2, 3], [4, 5, 6], [7, 8, 9], [0, 0, 0]], VECTOR),
    "some": pa.array([[1, 2, 3], None, [7, None, 9], None], VECTOR),
    "ragged": pa.array([[[1.0, 2.0], None], None, [], [None]], pa.list_(pa.list_(pa.float64(), 2))),
    "lists": pa.array([[[1], [], None], None, [], [None]], pa.list_(pa.list_(pa.int16()))),
    "point": pa.array([{"at": [1, 2], "tag": "a"}, None, {"at": [3, 4], "tag": None}, None], POINT),
    "points": pa.array([[{"at": [1, 2], "tag": "a"}, None], [], None, [None]], pa.list_(POINT)),
    "when": pa.array([[1], None, [None, 2], []], pa.list_(pa.timestamp("s", "UTC"))),
}


def table():
    fields = [pa.field(n, c.type, metadata={"unit": n}) for n, c in COLUMNS.items()]
    return pa.Table.from_arrays(list(COLUMNS.values()), schema=pa.schema(fields, metadata={"tensor_shape": "[3]"}))


class Nested(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.dir = pathlib.Path(held.name)

    def stored(self, path, name="store"):
        tool.ok("import", path, self.dir / name, "--array", "a", "--verify")
        return pa.ipc.open_stream(tool.ok("export", self.dir / name, "-", "--array", "a", "--file-format", "arrow")).read_all()

    def arrow(self):
        path = self.dir / "in.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table().schema) as out:
            out.write_table(table())
        return path

    def same(self, got):
        for name, column in COLUMNS.items():
            with self.subTest(name):
                self.assertEqual(got[name].type, column.type)
                self.assertEqual(got[name].to_pylist(), column.to_pylist())
                self.assertEqual(got.schema.field(name).metadata, {b"unit": name.encode()})
        self.assertEqual(got.schema.metadata, {b"tensor_shape": b"[3]"})

    def test_parquet_of_ours(self):
        self.same(self.stored(self.arrow()))
        path = self.dir / "out.parquet"
        tool.ok("export", self.dir / "store", path, "--array", "a")
        got = pq.read_table(path)
        # Where a fixed-size list is null, readers on libarrow see a list: they cannot read the other.
        self.assertEqual(got["full"].type, VECTOR)
        self.assertEqual(got["some"].type, pa.list_(pa.float32()))
        for name, column in COLUMNS.items():
            with self.subTest(name):
                self.assertEqual(got[name].to_pylist(), column.to_pylist())
                self.assertEqual(pl.read_parquet(path)[name].to_list(), column.to_pylist())
        asked = duckdb.sql(f"select \"full\", \"some\", ragged, lists, point from '{path}'").fetchall()
        for i, name in enumerate(("full", "some", "ragged", "lists", "point")):
            self.assertEqual([row[i] for row in asked], COLUMNS[name].to_pylist(), name)
        self.same(self.stored(path, "again"))

    def test_parquet_of_pyarrow(self):
        """With a null fixed-size list pyarrow writes what it cannot read itself."""
        path = self.dir / "pyarrow.parquet"
        pq.write_table(table(), path)
        self.same(self.stored(path))

    def test_polars(self):
        frame = pl.DataFrame({"v": pl.Series([[1.0, 2.0], None, [3.0, None]], dtype=pl.Array(pl.Float32, 2)),
                              "l": [[["a"], []], None, [None]],
                              "s": [{"x": 1, "y": [1]}, {"x": None, "y": None}, {"x": 3, "y": []}]})
        for kind, write in (("arrow", frame.write_ipc), ("parquet", frame.write_parquet)):
            path = self.dir / f"polars.{kind}"
            write(path)
            got = self.stored(path, f"store-{kind}")
            self.assertEqual({n: got[n].to_pylist() for n in "vls"}, {n: frame[n].to_list() for n in "vls"}, kind)
            self.assertEqual(got["v"].type, pa.list_(pa.float32(), 2), kind)

    def test_what_cannot_be_stored_is_named(self):
        refused = {
            "map": pa.array([[("a", 1)]], pa.map_(pa.utf8(), pa.int8())),
            "view": pa.array([[1]], pa.list_view(pa.int8())),
            "union": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
            "inner": pa.array([[[("a", 1)]]], pa.list_(pa.map_(pa.utf8(), pa.int8()))),
        }
        for name, array in refused.items():
            path = self.dir / f"{name}.arrow"
            batch = pa.record_batch([array], names=[name])
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as out:
                out.write_batch(batch)
            code, _, message = tool.run("import", path, self.dir / "none", "--array", "a")
            self.assertEqual(code, 1, name)
            self.assertIn(name, message)
            self.assertFalse((self.dir / "none").exists() and tool.ok("ls", self.dir / "none", "--format", "ndjson"))

    def test_lists_of_a_wrong_length(self):
        """V8: the row is named, and nothing is there afterwards."""
        self.stored(self.arrow())
        bad = pa.table({"full": pa.array([[1, 2, 3], [1, 2]], pa.list_(pa.float32()))})
        path = self.dir / "bad.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, bad.schema) as out:
            out.write_table(bad)
        code, _, message = tool.run("import", path, self.dir / "store", "--array", "a", "--append")
        self.assertEqual(code, 1)
        self.assertIn("column full, row 1", message)
        self.assertEqual(tool.ok("agg", self.dir / "store", "--array", "a", "--select", "count()", "--format", "csv").split()[1], b"4")



unittest.main()
