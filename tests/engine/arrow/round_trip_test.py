"""Batches of pyarrow, polars and nanoarrow through the engine's columns and back, bit for bit."""

import ctypes
import datetime
import decimal
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

if os.environ.get("TEG_SANITIZE"):
    sys.exit(77)  # a sanitizer's runtime cannot be loaded into a Python that lacks it
try:
    import nanoarrow
    import numpy as np
    import polars as pl
    import pyarrow as pa
except ImportError:
    sys.exit(77)

HERE = pathlib.Path(__file__).resolve()
BUILD = pathlib.Path(os.environ.get("TEG_BUILD_DIR", "build"))


def flags_of(*names):
    """What pkg-config says of the first of these names that it knows, for each group."""
    found = []
    for group in names:
        for name in group:
            run = subprocess.run(["pkg-config", "--cflags", "--libs", name], capture_output=True, text=True)
            if run.returncode == 0:
                found += run.stdout.split()
                break
    return found


def build_bridge(folder):
    out = pathlib.Path(folder) / "bridge.so"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=c11", "-shared", "-fPIC", f"-I{HERE.parents[3]}", "-o", out,
         HERE.with_name("bridge.c"), BUILD / "libtegula_internal.a", "-lm", "-lpthread"]
        + flags_of(["libzstd"], ["libxxhash"], ["msgpack-c", "msgpackc", "msgpack"]),
        check=True)
    return ctypes.CDLL(str(out))


FOLDER = tempfile.TemporaryDirectory()
BRIDGE = build_bridge(FOLDER.name)
SCHEMA_LEN, ARRAY_LEN = 72, 80  # bytes of struct ArrowSchema and ArrowArray


class Refused(Exception):
    pass


def round_trip(batch):
    """Through the C Data Interface both ways; pyarrow checks what comes back."""
    structs = [ctypes.create_string_buffer(n) for n in (SCHEMA_LEN, ARRAY_LEN) * 2]
    schema, array, schema_out, array_out = (ctypes.addressof(s) for s in structs)
    message = ctypes.create_string_buffer(512)
    batch._export_to_c(array, schema)
    status = BRIDGE.bridge_round_trip(*(ctypes.c_void_p(p) for p in (schema, array, schema_out, array_out)), message)
    # Taking the inputs back is how they are released.
    pa.RecordBatch._import_from_c(array, schema)
    if status:
        raise Refused(message.value.decode())
    back = pa.RecordBatch._import_from_c(array_out, schema_out)
    back.validate(full=True)
    return back


def bits(array):
    """Values as bytes with None for nulls: NaN payloads and -0.0 count."""
    values = array.buffers()[1].to_pybytes()
    width = array.type.bit_width // 8
    at = [(array.offset + i) * width for i in range(len(array))]
    return [values[a:a + width] if v else None for a, v in zip(at, array.is_valid().to_pylist())]


UTC = datetime.timezone.utc
COLUMNS = {
    "bool": pa.array([True, None, False, True]),
    "int8": pa.array([-128, None, 0, 127], pa.int8()),
    "int16": pa.array([-32768, None, 0, 32767], pa.int16()),
    "int32": pa.array([-2**31, None, 0, 2**31 - 1], pa.int32()),
    "int64": pa.array([-2**63, None, 0, 2**63 - 1], pa.int64()),
    "uint8": pa.array([0, None, 1, 255], pa.uint8()),
    "uint16": pa.array([0, None, 1, 65535], pa.uint16()),
    "uint32": pa.array([0, None, 1, 2**32 - 1], pa.uint32()),
    "uint64": pa.array([0, None, 1, 2**64 - 1], pa.uint64()),
    "float16": pa.array(np.array([1, 2, -0.0, np.inf], np.float16), mask=np.array([False, True, False, False])),
    "float32": pa.array(np.array([1, 2, -0.0, np.nan], np.float32), mask=np.array([False, True, False, False])),
    "float64": pa.array(np.array([5e-324, 2, -0.0, np.nan]), mask=np.array([False, True, False, False])),
    "decimal": pa.array([decimal.Decimal("-1.23"), None, decimal.Decimal(0), decimal.Decimal("99999999.99")],
                        pa.decimal128(10, 2)),
    "date": pa.array([datetime.date(1969, 12, 31), None, datetime.date(1970, 1, 1), datetime.date(9999, 1, 1)]),
    "seconds": pa.array([-1, None, 0, 10**10], pa.timestamp("s")),
    "nanos": pa.array([-1, None, 0, 2**63 - 1], pa.timestamp("ns", "Europe/Berlin")),
    "micros": pa.array([datetime.datetime(2026, 1, 1, tzinfo=UTC), None, None, None], pa.timestamp("us", "UTC")),
    "duration": pa.array([-1, None, 0, 5], pa.duration("ms")),
    "text": pa.array(["", None, "é☃𝄞", "x" * 1000]),
    "bytes": pa.array([b"", None, b"\0\xff", b"y" * 40]),
    "fixed": pa.array([b"abc", None, b"\0\0\0", b"xyz"], pa.binary(3)),
    "nothing": pa.array([None] * 4, pa.int32()),
}


class RoundTrip(unittest.TestCase):
    def test_every_type_with_nulls_and_slices(self):  # V3 H1 P4
        batch = pa.RecordBatch.from_arrays(list(COLUMNS.values()), list(COLUMNS))
        for piece in (batch, batch.slice(1, 2), batch.slice(3), batch.slice(0, 0)):
            back = round_trip(piece)
            self.assertEqual(back.schema, piece.schema)
            for name in COLUMNS:
                got, want = back.column(name), piece.column(name)
                self.assertEqual(got.null_count, want.null_count, name)
                if pa.types.is_floating(want.type):
                    self.assertEqual(bits(got), bits(want), name)
                else:
                    self.assertTrue(got.equals(want), name)

    def test_nan_payloads_survive(self):  # H1
        raw = np.array([0x7FF0000000000001, 0xFFF8DEAD00000000, 0x8000000000000000, 1], np.uint64)
        batch = pa.RecordBatch.from_arrays([pa.array(raw.view(np.float64))], ["f"])
        self.assertEqual(bits(round_trip(batch).column(0)), bits(batch.column(0)))

    def test_long_columns_and_odd_offsets(self):
        n = 5000
        rng = np.random.default_rng(1)
        mask = rng.random(n) < 0.3
        batch = pa.RecordBatch.from_arrays(
            [pa.array(rng.integers(0, 2, n).astype(bool), mask=mask),
             pa.array(rng.integers(0, 10**9, n), mask=mask),
             pa.array(["t" * int(k) for k in rng.integers(0, 30, n)], mask=mask)], ["b", "i", "s"])
        for start in (0, 1, 7, 8, 9, 63, 64, 65, 511, 513):
            piece = batch.slice(start, n - start - start % 5)
            self.assertTrue(round_trip(piece).equals(piece), start)

    def test_other_forms_of_text_become_text(self):
        values = ["JFK", None, "a text that is longer than a view", "", "JFK"]
        for kind in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()),
                     pa.dictionary(pa.uint32(), pa.large_string())):
            array = pa.array(values, pa.string()).cast(kind)
            batch = pa.RecordBatch.from_arrays([array], ["s"])
            for start in (0, 2):
                back = round_trip(batch.slice(start))
                self.assertEqual(back.schema.field("s").type, pa.string())
                self.assertEqual(back.column(0).to_pylist(), values[start:], kind)

    def test_dictionaries_of_numbers(self):
        array = pa.DictionaryArray.from_arrays(pa.array([2, None, 0, 1], pa.int16()), pa.array([1.5, None, -2.5]))
        back = round_trip(pa.RecordBatch.from_arrays([array], ["d"]))
        self.assertEqual(back.column(0).to_pylist(), [-2.5, None, 1.5, None])

    def test_metadata_and_required_fields_survive(self):  # H15 P5
        field = pa.field("a", pa.int32(), nullable=False, metadata={"unit": "mm", "": "\0"})
        schema = pa.schema([field], metadata={"tensor_shape": "[2, 3]", "tensor_dtype": "float32"})
        batch = pa.RecordBatch.from_arrays([pa.array([1, 2], pa.int32())], schema=schema)
        back = round_trip(batch).schema
        self.assertTrue(back.equals(schema, check_metadata=True), back)

    def test_what_is_not_stored_is_refused_by_name(self):  # B16
        for array, name in ((pa.array([1], pa.date64()), "date64"), (pa.nulls(1), "null"),
                            (pa.array([1], pa.time64("us")), "time64"),
                            (pa.array([decimal.Decimal(1)], pa.decimal256(40, 0)), "decimal"),
                            (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())), "map")):
            with self.assertRaisesRegex(Refused, f"column c: type .*{name}"):
                round_trip(pa.RecordBatch.from_arrays([array], ["c"]))

    def test_text_that_is_not_utf8_is_refused(self):
        array = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())
        with self.assertRaisesRegex(Refused, "row 0.*UTF-8"):
            round_trip(pa.RecordBatch.from_arrays([array], ["c"]))

    def test_polars_and_nanoarrow(self):  # P4
        frame = pl.DataFrame({"i": [1, None, 3], "s": ["a", None, "a string of more than twelve bytes"],
                              "t": [datetime.datetime(2026, 1, 1), None, datetime.datetime(1960, 1, 1)],
                              "c": pl.Series(["x", "y", None], dtype=pl.Categorical)})
        batch = pa.RecordBatchReader.from_stream(frame).read_next_batch()
        back = round_trip(batch)
        self.assertEqual(pl.DataFrame(back).to_dicts(), frame.to_dicts())
        self.assertEqual(nanoarrow.Array(back).to_pylist(), back.to_struct_array().to_pylist())


if __name__ == "__main__":
    unittest.main()
