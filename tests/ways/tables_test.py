"""What the rows of a table must come through: appends, a compaction, Parquet out and in, and a question, compared
with what pyarrow and Polars say of the same rows.                     V1 V2 V6 V8 B8 B9 H1 H6 H15 P5"""
import decimal
import itertools
import math
import pathlib
import tempfile
import unittest

import tool

tool.need("numpy", "pyarrow", "polars")
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

NORMALS = pa.list_(pa.list_(pa.float64(), 4))


def bits(array):
    """Values as they lie, nulls aside: what == says of floats does not matter."""
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_list(array.type) or pa.types.is_fixed_size_list(array.type):
        flat = array.flatten()
        lengths = [None if v is None else len(v) for v in array.to_pylist()]
        return [lengths, bits(flat)]
    if pa.types.is_struct(array.type):
        return [array.is_valid().to_pylist(), [bits(part) for part in array.flatten()]]
    if pa.types.is_floating(array.type):
        width = array.type.bit_width
        array = pa.Array.from_buffers(getattr(pa, f"uint{width}")(), len(array), array.buffers(), offset=array.offset)
    return array.to_pylist()


class Tables(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.dir = pathlib.Path(held.name)
        self.n = 0

    def file(self, table):
        self.n += 1
        path = self.dir / f"in-{self.n}.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as out:
            out.write_table(table)
        return path

    def put(self, table, *words):
        return tool.run("import", self.file(table), self.dir / "store", "--array", "a", *words)

    def puts(self, *tables):
        for i, table in enumerate(tables):
            code, _, message = self.put(table, *(["--append"] if i else []))
            self.assertEqual(code, 0, message)

    def stored(self, *words):
        return pa.ipc.open_stream(tool.ok("export", self.dir / "store", "-", "--array", "a", "--file-format",
                                          "arrow", *words)).read_all()

    def parquet(self, *words):
        tool.ok("export", self.dir / "store", self.dir / "out.parquet", "--array", "a", "--replace", *words)
        return self.dir / "out.parquet"

    def back(self):
        """What a Parquet file of ours becomes in another store."""
        tool.ok("import", self.parquet(), self.dir / f"back-{self.n}", "--array", "a", "--verify")
        return pa.ipc.open_stream(tool.ok("export", self.dir / f"back-{self.n}", "-", "--array", "a", "--file-format",
                                          "arrow")).read_all()

    def check_everywhere(self, want):
        """The same bits from segments as they came, merged, and out of Parquet."""
        for name in want.column_names:
            self.assertEqual(bits(self.stored()[name]), bits(want[name]), name)
        tool.ok("compact", self.dir / "store")
        for got, how in ((self.stored(), "merged"), (self.back(), "Parquet")):
            for name in want.column_names:
                self.assertEqual(got[name].type, want[name].type, (how, name))
                self.assertEqual(bits(got[name]), bits(want[name]), (how, name))

    def test_ragged_geometry(self):  # V1
        rng = np.random.default_rng(1)
        rows = [None, [], rng.normal(size=(1, 4)).tolist(), rng.normal(size=(1024, 4)).tolist(),
                [[math.nan, -0.0, math.inf, 5e-324]], rng.normal(size=(37, 4)).tolist()]
        tables = [pa.table({"normals": pa.array(rows[i:i + 2], NORMALS)}) for i in (0, 2, 4)]
        self.puts(*tables)
        self.check_everywhere(pa.concat_tables(tables))

    def test_null_empty_and_list_of_null_differ(self):  # V2
        """Each of four things in each of four places: a list of lists, and a list beside it."""
        inner = [None, [], [None], [7]]
        outer = [[None], [[]], [[None]], [[7]], None, [], [None, [], [None], [7]]]
        pairs = list(itertools.product(inner, outer))
        schema = pa.schema([("flat", pa.list_(pa.int32())), ("deep", pa.list_(pa.list_(pa.int32())))])
        whole = pa.table({"flat": [p[0] for p in pairs], "deep": [p[1] for p in pairs]}, schema)
        self.puts(whole.slice(0, 9), whole.slice(9, 2), whole.slice(11))
        self.check_everywhere(whole)
        frame = pl.read_parquet(self.parquet())
        self.assertEqual(frame["flat"].to_list(), whole["flat"].to_pylist())
        self.assertEqual(frame["deep"].to_list(), whole["deep"].to_pylist())

    def test_a_question_is_answered_as_polars_answers_it(self):  # V6
        rng = np.random.default_rng(6)
        n = 5000
        ratio = rng.gamma(2, 0.5, n)
        ratio[rng.random(n) < 0.1] = math.nan
        table = pa.table({"systolic_ratio": pa.array(ratio, mask=rng.random(n) < 0.2),
                          "dimension": pa.array(rng.choice([2, 4, 6], n), pa.int32(), mask=rng.random(n) < 0.1),
                          "row": np.arange(n)})
        self.puts(table.slice(0, 1700), table.slice(1700, 10), table.slice(1710))
        frame = pl.from_arrow(table)
        above = pl.col("systolic_ratio") > 1  # NaN is above every number, as it is for us
        asked = {"systolic_ratio > 1 and dimension = 4": above & (pl.col("dimension") == 4),
                 "not (systolic_ratio > 1) or dimension <> 4": ~above | (pl.col("dimension") != 4),
                 "systolic_ratio is null and not isnan(systolic_ratio)": pl.lit(False),
                 "isnan(systolic_ratio) and dimension = 4": pl.col("systolic_ratio").is_nan() & (pl.col("dimension") == 4),
                 "systolic_ratio is null": pl.col("systolic_ratio").is_null()}
        for where, said in asked.items():
            with self.subTest(where):
                want = frame.filter(said)["row"].to_list()
                self.assertEqual(self.stored("--where", where)["row"].to_pylist(), want)
                self.assertEqual(pq.read_table(self.parquet("--where", where))["row"].to_pylist(), want)

    def test_rows_of_several_dimensions_in_one_table(self):  # V8
        kind = pa.list_(pa.list_(pa.float64()))  # the inner size is that of the row
        rows = [[[float(d)] * d for _ in range(3)] for d in (2, 4, 6, 4, 2)]
        table = pa.table({"dimension": [2, 4, 6, 4, 2], "normals": pa.array(rows, kind)})
        self.puts(table.slice(0, 3), table.slice(3))
        self.check_everywhere(table)

    def test_an_inner_size_that_is_not_the_column_s(self):  # V8
        self.puts(pa.table({"normals": pa.array([[[1, 2, 3, 4]], None], NORMALS)}))
        before = self.stored()
        for row, normals in ((1, [[[1, 2, 3, 4]], [[1, 2, 3]]]), (0, [[[1, 2, 3, 4], [5] * 6]])):
            code, _, message = self.put(pa.table({"normals": pa.array(normals, pa.list_(pa.list_(pa.float64())))}), "--append")
            self.assertEqual(code, 1)
            self.assertIn(f"row {row}", message)
            self.assertIn("normals", message)
            self.assertTrue(self.stored().equals(before))

    def test_a_column_that_is_null_at_first(self):  # B8
        kinds = {"i": pa.int64(), "f": pa.float32(), "t": pa.utf8(), "l": pa.list_(pa.int8())}
        values = {"i": [1, 2**60], "f": [0.5, -0.0], "t": ["", "text"], "l": [[], [1, None]]}
        null = pa.table({k: pa.nulls(3, t) for k, t in kinds.items()})
        full = pa.table({k: pa.array(values[k], t) for k, t in kinds.items()})
        self.puts(null, full, null)
        self.check_everywhere(pa.concat_tables([null, full, null]))

    def test_parts_with_other_optional_columns(self):  # B9
        whole = pa.schema([("a", pa.int32()), ("b", pa.utf8()), ("c", pa.list_(pa.int16()))])
        parts = [pa.table({"a": [1, 2], "b": ["x", None], "c": [[1], None]}, whole), pa.table({"b": ["y"]}, pa.schema([whole.field(1)])),
                 pa.table({"c": [[]], "a": [3]}, pa.schema([whole.field(2), whole.field(0)]))]
        self.puts(*parts)
        want = pa.table({"a": [1, 2, None, 3], "b": ["x", None, "y", None], "c": [[1], None, None, []]}, whole)
        self.check_everywhere(want)
        self.assertEqual(self.stored().schema.names, whole.names)
        code, _, message = self.put(pa.table({"a": [1], "d": [1]}), "--append")
        self.assertEqual((code, "'d'" in message or "column d" in message), (1, True), message)

    def test_fixed_lists_of_every_type_bit_by_bit(self):  # H1
        odd = {pa.float16(): [0x7e01, 0x7c01, 0xfe55, 0x8000, 1, 0x7c00, 0xfc00, 0x7bff],
               pa.float32(): [0x7fc00001, 0x7f800001, 0xffc0dead, 1 << 31, 1, 0x7f800000, 0xff800000, 0x7f7fffff],
               pa.float64(): [0x7ff8000000000001, 0x7ff0000000000001, 0xfff8dead0000beef, 1 << 63, 1, 0x7ff << 52,
                              0xfff << 52, 0x7fefffffffffffff]}
        columns = {}
        for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()):
            low = -2 ** (kind.bit_width - 1) if pa.types.is_signed_integer(kind) else 0
            columns[str(kind)] = pa.array([low, 0, 1, low + 2 ** kind.bit_width - 1] * 2, kind)
        for kind, raw in odd.items():
            whole = np.array(raw, f"uint{kind.bit_width}")
            columns[str(kind)] = pa.Array.from_buffers(kind, 8, [None, pa.py_buffer(whole.tobytes())])
        columns["bool"] = pa.array([True, False] * 4)
        table = pa.table({k: pa.FixedSizeListArray.from_arrays(v, 4) for k, v in columns.items()})
        large = pa.table({k: pa.FixedSizeListArray.from_arrays(pa.concat_arrays([v] * 64), 512) for k, v in columns.items()})
        self.puts(table, table)
        self.check_everywhere(pa.concat_tables([table, table]))
        self.setUp()
        self.puts(large, large)
        self.check_everywhere(pa.concat_tables([large, large]))

    def test_batches_of_another_type_or_shape(self):  # H6
        first = pa.table({"id": [1, 2], "v": pa.array([[1, 2, 3], [4, 5, 6]], pa.list_(pa.float32(), 3))})
        self.puts(first)
        for kind in (pa.list_(pa.float32(), 4), pa.list_(pa.float64(), 3), pa.list_(pa.int32(), 3), pa.float32()):
            values = [[0.1] * 4] if kind == pa.list_(pa.float32(), 4) else [0.1] if kind == pa.float32() else [
                [16777217] * 3] if kind == pa.list_(pa.int32(), 3) else [[0.1] * 3]
            code, _, message = self.put(pa.table({"id": [3], "v": pa.array(values, kind)}), "--append")
            self.assertEqual(code, 1, kind)
            self.assertIn("column v", message)
            self.assertTrue(self.stored().select(["id", "v"]).equals(first), kind)
        path = self.dir / "mixed.ndjson"
        path.write_text('{"v":[1,2]}\n{"v":"three"}\n')
        code, _, _ = tool.run("import", path, self.dir / "store", "--array", "mixed")
        self.assertEqual(code, 1)
        self.assertNotIn(b"mixed", tool.ok("ls", self.dir / "store", "--format", "csv"))

    def test_decimals_of_any_scale(self):
        """Kept in a store and in Arrow; where Parquet has no such scale the column is named and no file made."""
        values = [decimal.Decimal(12300), decimal.Decimal(-99900), None]
        table = pa.table({"d": pa.array(values, pa.decimal128(10, -2)),
                          "s": pa.StructArray.from_arrays([pa.array(values, pa.decimal128(12, -1))], ["x"])})
        self.puts(table)
        self.assertTrue(self.stored().equals(table))
        for columns, name in (("d", "d"), ("s", "s.x")):
            code, _, message = tool.run("export", self.dir / "store", self.dir / "none.parquet", "--array", "a", "--columns", columns)
            self.assertEqual(code, 1)
            self.assertIn(f"column {name}: decimal128", message)
            self.assertFalse((self.dir / "none.parquet").exists())

    def test_metadata_of_dimensions(self):  # H15
        schema = pa.schema([pa.field("x", pa.int32(), False, {"unit": "mm", "odd\n": ""}), pa.field("v", pa.int8(), metadata={"unit": "K"})])
        table = pa.table({"x": [3, 1, 2], "v": [30, 10, 20]}, schema)
        code, _, message = self.put(table, "--dims", "x")
        self.assertEqual(code, 0, message)
        self.assertEqual(self.put(table, "--append")[0], 0)
        tool.ok("alter", self.dir / "store", "--array", "a", "--rename", "v=w")
        tool.ok("compact", self.dir / "store", "--array", "a", "--rechunk", "x=2")
        got = self.stored()
        self.assertEqual(got.schema.field("x").metadata, {b"unit": b"mm", b"odd\n": b""})
        self.assertEqual(got.schema.field("w").metadata, {b"unit": b"K"})
        self.assertEqual(pq.read_schema(self.parquet()).field("x").metadata[b"unit"], b"mm")

    def test_metadata_survives(self):  # H15
        shape = {"tensor_shape": "[2, 3]", "dtype": "float32"}
        field = pa.field("v", pa.list_(pa.float32(), 6), metadata=shape)
        schema = pa.schema([field], metadata={"origin": "run 7", "unit\n": ""})
        table = pa.table({"v": [[1.0] * 6]}, schema)
        self.puts(table, table.replace_schema_metadata(None), table)
        plain = {k.encode(): v.encode() for k, v in shape.items()}
        tool.ok("compact", self.dir / "store")
        for got in (self.stored(), self.back()):
            self.assertEqual(got.schema.field("v").metadata, plain)
            self.assertEqual({k: got.schema.metadata[k] for k in (b"origin", b"unit\n")}, {b"origin": b"run 7", b"unit\n": b""})
        known = pq.read_schema(self.parquet())
        self.assertEqual({k: known.field("v").metadata[k] for k in plain}, plain)
        self.assertEqual(known.metadata[b"origin"], b"run 7")


unittest.main()
