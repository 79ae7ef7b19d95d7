"""Every scalar type, with nulls and odd bits, through every way out and in again (P5 V2 V3 H1 H15).

pyarrow makes the data. Out: Parquet, Arrow IPC, CSV, NDJSON, .npy. In: our own import, and pyarrow, Polars,
DuckDB and NumPy for what they read. Values are compared as bits, a null as a null."""
import datetime
import decimal
import io
import json
import pathlib
import tempfile
import unittest

import tool

tool.need("numpy", "pyarrow", "polars", "duckdb")
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq


def floats(type_, *bits):
    raw = b"".join(b.to_bytes(type_.bit_width // 8, "little") for b in bits)
    return pa.Array.from_buffers(type_, len(bits), [None, pa.py_buffer(raw)])


D = decimal.Decimal
COLUMNS = {
    "bool": pa.array([True, False, None]),
    **{str(t): pa.array([lo, hi, None], t) for t, lo, hi in [
        (pa.int8(), -128, 127), (pa.int16(), -2**15, 2**15 - 1), (pa.int32(), -2**31, 2**31 - 1),
        (pa.int64(), -2**63, 2**63 - 1), (pa.uint8(), 0, 255), (pa.uint16(), 0, 2**16 - 1),
        (pa.uint32(), 0, 2**32 - 1), (pa.uint64(), 0, 2**64 - 1)]},
    "half": pa.array([1.5, -0.0, None], pa.float16()),
    "half bits": floats(pa.float16(), 0x7e01, 0x7c01, 0xfe55),
    "float": pa.array([0.1, float("inf"), None], pa.float32()),
    "float bits": floats(pa.float32(), 0x7fc00001, 0x7f800001, 1),
    "double": pa.array([0.1, -5e-324, None], pa.float64()),
    "double bits": floats(pa.float64(), 0x7ff8000000000001, 0x7ff0000000000001, 1 << 63),
    "decimal": pa.array([D("1234.56"), D("-0.01"), None], pa.decimal128(20, 2)),
    "wide": pa.array([D("9" * 38), D("-" + "9" * 38), None], pa.decimal128(38, 0)),
    "date": pa.array([-1, 20000, None], pa.int32()).cast(pa.date32()),
    **{f"{kind} {unit}": pa.array([-1, 10**10, None], pa.int64()).cast(t) for kind, unit, t in
       [("wall", u, pa.timestamp(u)) for u in ("s", "ms", "us", "ns")] +
       [("utc", u, pa.timestamp(u, "UTC")) for u in ("s", "ms", "us", "ns")] +
       [("took", u, pa.duration(u)) for u in ("s", "ms", "us", "ns")]},
    "text": pa.array(["", "é\n\"q\", 'x'\0", None]),
    "large": pa.array(["NA", "null", None], pa.large_string()),
    "bytes": pa.array([b"", b"\0\xff\xfe", None], pa.binary()),
    "fixed": pa.array([b"abc", b"\0\0\0", None], pa.binary(3)),
    "nothing": pa.array([None, None, None], pa.string()),
    "coded": pa.array(["a", "b", None]).dictionary_encode(),
}
METADATA = {b"tensor_shape": b"[2, 3]", b"owner": "é\n".encode()}


def plain(array):
    """Without dictionary and with the offsets that the store gives back."""
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    swap = {pa.large_string(): pa.string(), pa.string_view(): pa.string(), pa.large_binary(): pa.binary()}
    return array.cast(swap[array.type]) if array.type in swap else array


def bits(array):
    """Type, nulls, and the bytes of the values."""
    array = plain(array)
    if pa.types.is_floating(array.type):
        ints = {16: pa.uint16(), 32: pa.uint32(), 64: pa.uint64()}[array.type.bit_width]
        return str(array.type), array.view(ints).to_pylist()
    if pa.types.is_timestamp(array.type) or pa.types.is_duration(array.type):
        return str(array.type), array.view(pa.int64()).to_pylist()
    return str(array.type), array.to_pylist()


def table():
    fields = [pa.field(n, c.type, metadata={"unit": n}) for n, c in COLUMNS.items()]
    return pa.Table.from_arrays(list(COLUMNS.values()), schema=pa.schema(fields, metadata=METADATA))


class Matrix(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.held = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.held.name)
        cls.store = str(cls.dir / "store")
        with pa.OSFile(str(cls.dir / "in.arrow"), "wb") as file, pa.ipc.new_file(file, table().schema) as out:
            out.write_table(table())
        tool.ok("import", cls.dir / "in.arrow", cls.store, "--array", "a", "--verify")

    @classmethod
    def tearDownClass(cls):
        cls.held.cleanup()

    def out(self, kind, *options, array="a", store=None):
        return tool.ok("export", store or self.store, "-", "--array", array, "--file-format", kind, *options)

    def file(self, name, data):
        path = self.dir / name
        path.write_bytes(data)
        return str(path)

    def back(self, path, *options):
        """Through our own import, and then as Arrow."""
        store = self.dir / ("back-" + pathlib.Path(path).name)
        tool.ok("import", path, store, "--array", "a", "--verify", *options)
        return pa.ipc.open_stream(self.out("arrow", store=store)).read_all()

    def same(self, got, expected=None, metadata=True):
        for name, column in COLUMNS.items():
            if expected is None or name in expected:
                with self.subTest(name):
                    self.assertEqual(bits(got[name]), bits(column))
                    if metadata:
                        self.assertEqual(got.schema.field(name).metadata, {b"unit": name.encode()})
        if metadata:
            self.assertEqual(got.schema.metadata, METADATA)

    def test_arrow(self):
        data = self.out("arrow")
        self.same(pa.ipc.open_stream(data).read_all())
        tool.ok("export", self.store, self.dir / "out.arrow", "--array", "a")
        self.same(pa.ipc.open_file(str(self.dir / "out.arrow")).read_all())
        self.same(self.back(str(self.dir / "out.arrow")))
        frame = pl.read_ipc(self.dir / "out.arrow")
        self.assertEqual(frame["text"].to_list(), COLUMNS["text"].to_pylist())
        self.assertEqual([c.null_count() for c in frame.iter_columns()], [c.null_count for c in COLUMNS.values()])

    def test_polars_writes_views_and_categories(self):
        frame = pl.DataFrame({"s": ["", "long enough not to be inline", None],
                              "c": pl.Series(["a", "b", None], dtype=pl.Categorical),
                              "b": [b"x", b"y" * 20, None]})
        for kind, write in (("arrow", frame.write_ipc), ("parquet", frame.write_parquet)):
            path = self.dir / f"polars.{kind}"
            write(path)
            got = self.back(path)
            self.assertEqual({n: got[n].to_pylist() for n in "scb"},
                             {n: frame[n].to_list() for n in "scb"})
        stream = io.BytesIO()
        frame.write_ipc_stream(stream)
        self.assertEqual(self.back(self.file("polars.arrows", stream.getvalue()))["s"].to_pylist(), frame["s"].to_list())

    def test_compressed_arrow(self):
        for codec in ("zstd", "lz4"):
            path = str(self.dir / f"{codec}.feather")
            options = pa.ipc.IpcWriteOptions(compression=codec)
            with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, table().schema, options=options) as out:
                out.write_table(table())
            self.same(self.back(path))

    def test_parquet(self):
        path = self.file("out.parquet", self.out("parquet"))
        got = pq.read_table(path)
        # Parquet has no seconds: pyarrow gives milliseconds, our import the seconds that were.
        exact = [n for n in COLUMNS if n not in ("wall s", "utc s")]
        self.same(got, exact, metadata=False)
        self.same(self.back(path), metadata=False)
        for name in ("owner", "tensor_shape"):
            self.assertEqual(got.schema.metadata[name.encode()], METADATA[name.encode()])
        frame = pl.read_parquet(path)
        ask = ", ".join(f'"{n}" is null' for n in COLUMNS)
        rows = duckdb.sql(f"select {ask} from '{path}'").fetchall()
        for i, (name, column) in enumerate(COLUMNS.items()):
            with self.subTest(name):
                expected = plain(column).is_null().to_pylist()
                self.assertEqual(frame[name].is_null().to_list(), expected)
                self.assertEqual([row[i] for row in rows], expected)
                if not pa.types.is_floating(column.type) and not pa.types.is_temporal(column.type):
                    self.assertEqual(frame[name].to_list(), plain(column).to_pylist())
                    asked = duckdb.sql(f"select \"{name}\" from '{path}'").fetchall()
                    self.assertEqual([row[0] for row in asked], plain(column).to_pylist())
        self.assertEqual(frame["double bits"].to_numpy().view("u8").tolist(), bits(COLUMNS["double bits"])[1])

    def types(self, skip=()):
        """--types for every column that its text does not tell."""
        words = []
        for line in tool.ok("schema", self.store, "--array", "a", "--format", "ndjson").splitlines():
            column = json.loads(line)
            if column["role"] == "attribute" and column["name"] not in skip:
                words.append("\"{}\"='{}'".format(column["name"], column["type"]))
        return ["--types", ",".join(words)]

    def test_csv(self):
        # The text of a float tells NaN but not which: those come back as the usual one.
        path = self.file("out.csv", self.out("csv"))
        got = self.back(path, *self.types())
        self.same(got, [n for n in COLUMNS if not n.endswith(" bits")], metadata=False)
        for name in ("half bits", "float bits", "double bits"):
            self.assertEqual(np.isnan(got[name].to_numpy()).tolist(), np.isnan(COLUMNS[name].to_numpy(zero_copy_only=False)).tolist())
        self.assertEqual(self.out("csv"), tool.ok("cat", self.store, "--array", "a", "--format", "csv"))

    def test_csv_of_other_writers(self):
        frame = pl.DataFrame({"i": [1, None, -3], "f": [0.5, None, 1e300], "s": ["a,b", None, "x\ny"],
                              "d": [datetime.date(2020, 1, 1), None, None]})
        frame.write_csv(self.dir / "polars.csv")
        got = self.back(self.dir / "polars.csv")
        self.assertEqual({n: got[n].to_pylist() for n in "ifsd"}, {n: frame[n].to_list() for n in "ifsd"})

    def test_ndjson(self):
        # libarrow reads no column in which numbers and words mix: NaN and infinities stay outside.
        skip = [n for n in COLUMNS if n.endswith(" bits") or n in ("half", "float", "nothing")]
        keep = [n for n in COLUMNS if n not in skip]
        columns = ",".join(f'"{n}"' for n in keep)
        self.assertEqual(self.out("ndjson"), tool.ok("cat", self.store, "--array", "a", "--format", "ndjson"))
        path = self.file("out.ndjson", self.out("ndjson", "--columns", columns))
        self.same(self.back(path, *self.types(skip)), keep, metadata=False)

    def test_npy(self):
        for name, column in COLUMNS.items():
            type_ = column.type
            code, data, message = tool.run("export", self.store, "-", "--array", "a", "--columns", f'"{name}"', "--file-format", "npy")
            with self.subTest(name):
                numeric = pa.types.is_primitive(type_) and not pa.types.is_decimal(type_)
                temporal = pa.types.is_temporal(type_)
                if not numeric:
                    self.assertIn("its type is none", message)
                elif column.null_count and not temporal:
                    self.assertIn("row 2", message)
                else:
                    array = np.load(io.BytesIO(data))
                    raw = array.view(f"u{array.itemsize}").tolist()
                    if temporal:
                        self.assertEqual([int(v) for v in array.astype("i8")[:2]],
                                         column.cast(pa.int32() if name == "date" else pa.int64()).to_pylist()[:2])
                        self.assertTrue(np.isnat(array[2]))
                    else:
                        self.assertEqual(raw, bits(column)[1])
        # Without the nulls, in again: the same bits.
        for name, column in COLUMNS.items():
            if pa.types.is_primitive(column.type) and not pa.types.is_decimal(column.type):
                data = self.out("npy", "--columns", f'"{name}"', "--where", f'"{name}" is not null')
                got = self.back(self.file(f"{name}.npy".replace(" ", "-"), data))["value"]
                kept = column.drop_null()
                self.assertEqual(bits(got)[1], bits(kept)[1], name)


unittest.main()
