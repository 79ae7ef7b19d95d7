"""What goes through tools/parquet comes back as it went in: types, nulls, bits, metadata, sizes.

pyarrow writes and reads, parquet_copy is what is tested. Skipped (77) without pyarrow or without the
module."""
import base64
import decimal
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

COPY = pathlib.Path(os.environ.get("TEG_BUILD_DIR", "build/dev")) / "tools/parquet/parquet_copy"
try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    pa = None
if pa is None or not COPY.exists():
    print("skipped: needs pyarrow and the Parquet module")
    sys.exit(77)

MISUSE, IO, CORRUPT, UNSUPPORTED, STREAM = 1, 2, 3, 4, 5


def run(source, target, **options):
    words = [f"{k}={v}" for k, vs in options.items() for v in (vs if isinstance(vs, list) else [vs])]
    done = subprocess.run([COPY, source, target, *words], capture_output=True, text=True)
    facts = json.loads(done.stdout) if done.stdout else {}
    return done.returncode, done.stderr, facts


def from_bits(type_, bits, validity):
    """An array whose values have exactly these bits."""
    size = type_.bit_width // 8
    values = pa.py_buffer(b"".join(b.to_bytes(size, "little") for b in bits))
    mask = pa.array(validity).buffers()[1]
    return pa.Array.from_buffers(type_, len(bits), [mask, values])


SCALARS = [
    (pa.bool_(), [True, False, None]),
    (pa.int8(), [-128, 127, None]), (pa.int16(), [-2**15, 2**15 - 1, None]),
    (pa.int32(), [-2**31, 2**31 - 1, None]), (pa.int64(), [-2**63, 2**63 - 1, None]),
    (pa.uint8(), [0, 255, None]), (pa.uint16(), [0, 2**16 - 1, None]),
    (pa.uint32(), [0, 2**32 - 1, None]), (pa.uint64(), [0, 2**64 - 1, None]),
    (pa.decimal128(38, 5), None), (pa.decimal128(5, 0), None),
    (pa.date32(), [-1, 0, None]),
    (pa.timestamp("s"), [-1, 2**40, None]), (pa.timestamp("s", "UTC"), [0, 1, None]),
    (pa.timestamp("ms"), [-1, 1, None]), (pa.timestamp("us", "Europe/Berlin"), [-2**63, 1, None]),
    (pa.timestamp("ns", "UTC"), [-1, 2**63 - 1, None]), (pa.timestamp("ns"), [1, 0, None]),
    (pa.duration("s"), [-1, 1, None]), (pa.duration("ns"), [-2**63, 2**63 - 1, None]),
    (pa.string(), ["", "a\0b", "é", None]), (pa.large_string(), ["", "x" * 70000, None]),
    (pa.binary(), [b"", b"\0\xff", None]), (pa.large_binary(), [b"", b"\xff", None]),
    (pa.binary(3), [b"abc", b"\0\0\0", None]),
    (pa.dictionary(pa.int32(), pa.string()), ["a", "b", "a", None]),
    (pa.list_(pa.float64()), [None, [], [None], [1.5, math.nan]]),
    (pa.list_(pa.list_(pa.int32())), [None, [], [None], [[]], [[None]], [[1], None]]),
    (pa.list_(pa.int32(), 2), [[1, 2], None, [None, 4]]),
    (pa.struct([("a", pa.int32()), ("b", pa.string())]), [None, {"a": None, "b": ""}]),
]


class Roundtrip(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.source, self.target = (os.path.join(self.dir.name, n) for n in ("in.parquet", "out.parquet"))

    def copied(self, table, write=None, **options):
        pq.write_table(table, self.source, **(write or {}))
        code, message, self.facts = run(self.source, self.target, **options)
        self.assertEqual(code, 0, message)
        self.assertEqual(sorted(os.listdir(self.dir.name)), ["in.parquet", "out.parquet"])
        return pq.read_table(self.target)

    def test_every_type_with_nulls(self):  # B5 P5: types, both ways
        for type_, values in SCALARS:
            with self.subTest(str(type_)):
                if values is None:
                    whole = 10 ** type_.precision - 1
                    decimal.getcontext().prec = 60
                    scale = decimal.Decimal(1).scaleb(-type_.scale)
                    values = [whole * scale, -whole * scale, None]
                table = pa.table({"v": pa.array(values, type_)})
                back = self.copied(table)
                if pa.types.is_timestamp(type_) and type_.unit == "s":  # pyarrow gives back ms
                    table = table.set_column(0, "v", table["v"].cast(pa.timestamp("ms", type_.tz)))
                if pa.types.is_nested(type_):  # Parquet renames the items of lists
                    self.assertEqual(repr(back["v"].to_pylist()), repr(values))
                else:
                    self.assertTrue(back.equals(table), back)
                self.assertEqual(back["v"].null_count, 1)

    def test_seconds_stay_seconds(self):
        stored = pa.table({"t": pa.array([-5, None, 2**40], pa.timestamp("s", "UTC"))})
        self.copied(stored)
        # The stream had seconds, so the file it became says so too.
        raw = pq.read_metadata(self.target).metadata[b"ARROW:schema"]
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(raw)))
        self.assertEqual(schema.field("t").type, pa.timestamp("s", "UTC"))
        self.assertEqual(pq.read_table(self.target)["t"].cast(pa.int64()).to_pylist(),
                         [-5000, None, 2**40 * 1000])

    def test_bits_of_floats(self):  # H1
        cases = [(pa.float64(), [0x7ff8000000000001, 0x7ff0000000000001, 0xfff8dead0000beef,
                                 0x8000000000000000, 1, 0x7ff0000000000000, 0xfff0000000000000]),
                 (pa.float32(), [0x7fc00001, 0x7f800001, 0xffc0beef, 0x80000000, 1, 0x7f800000, 0xff800000]),
                 (pa.float16(), [0x7e01, 0x7c01, 0xfe55, 0x8000, 1, 0x7c00, 0xfc00])]
        for type_, bits in cases:
            with self.subTest(str(type_)):
                validity = [True] * len(bits) + [False]
                array = from_bits(type_, bits + [0], validity)
                back = self.copied(pa.table({"f": array})).column(0).combine_chunks()
                size = type_.bit_width // 8 * len(bits)
                self.assertEqual(back.buffers()[1].to_pybytes()[:size],
                                 array.buffers()[1].to_pybytes()[:size])
                self.assertEqual(back.null_count, 1)  # V3: null is not NaN

    def test_metadata_of_schema_and_fields(self):  # H15
        schema = pa.schema([pa.field("a", pa.int32(), nullable=False, metadata={"unit": "m", "é": "\n"}),
                            pa.field("b", pa.string(), metadata={"empty": ""})],
                           metadata={"tensor_shape": "[3]", "owner": "x" * 10000})
        back = self.copied(pa.table({"a": [1], "b": ["x"]}, schema=schema))
        self.assertTrue(back.schema.equals(schema, check_metadata=True), back.schema)

    def test_zero_rows_and_zero_row_groups(self):  # B10
        schema = pa.schema([("a", pa.int64()), ("s", pa.large_string())], metadata={"k": "v"})
        back = self.copied(schema.empty_table())
        self.assertEqual(back.num_rows, 0)
        self.assertTrue(back.schema.equals(schema, check_metadata=True))
        with pq.ParquetWriter(self.source, schema):
            pass
        self.assertEqual(run(self.source, self.target)[0], 0)
        self.assertEqual(pq.read_table(self.target).schema, schema)

    def test_empty_row_groups_between_others(self):
        table = pa.table({"a": [1, 2]})
        with pq.ParquetWriter(self.source, table.schema) as writer:
            for part in (table, table.slice(0, 0), table):
                writer.write_table(part)
        self.assertEqual(run(self.source, self.target)[0], 0)
        self.assertEqual(pq.read_table(self.target)["a"].to_pylist(), [1, 2, 1, 2])

    def test_dictionaries_that_change_between_row_groups(self):
        values = ["a", "b", None] * 10 + ["c", "d"] * 10 + ["a"] * 3
        column = pa.chunked_array([pa.array(values[:30]).dictionary_encode(),
                                   pa.array(values[30:]).dictionary_encode()])
        for ordered_batches in (3, 7, 1000):
            back = self.copied(pa.table({"d": column}), {"row_group_size": 8},
                               batch_rows=ordered_batches)
            self.assertEqual(back["d"].to_pylist(), values)

    def test_batches_and_groups_are_cut_by_rows_and_by_bytes(self):
        table = pa.table({"a": pa.array(range(1000), pa.int64()), "s": ["x" * 1000] * 1000})
        self.assertEqual(self.copied(table, batch_rows=64), table)
        self.assertEqual((self.facts["most_rows"], self.facts["rows"]), (64, 1000))
        self.assertEqual(self.copied(table, batch_bytes=100_000), table)
        self.assertLessEqual(self.facts["most_rows"], 100)  # though the dictionary hides the width
        self.assertEqual(self.copied(table, batch_bytes=1), table)
        self.assertEqual(self.facts["most_rows"], 1)
        self.assertEqual(self.copied(table, group_rows=300, batch_rows=100), table)
        groups = pq.read_metadata(self.target)
        self.assertEqual([groups.row_group(i).num_rows for i in range(groups.num_row_groups)],
                         [300, 300, 300, 100])
        self.assertEqual(self.copied(table, group_bytes=100_000), table)
        self.assertGreaterEqual(pq.read_metadata(self.target).num_row_groups, 10)

    def test_statistics_page_index_checksums_and_sorting(self):
        table = pa.table({"k": pa.array(range(50000), pa.int64()), "v": [None] * 50000})
        self.copied(table, sorted_by="k")
        group = pq.read_metadata(self.target).row_group(0)
        self.assertTrue(group.column(0).has_offset_index and group.column(0).has_column_index)
        self.assertEqual((group.column(0).statistics.min, group.column(0).statistics.max), (0, 49999))
        self.assertEqual(group.sorting_columns, (pq.SortingColumn(0),))
        pq.read_table(self.target, page_checksum_verification=True)

    def test_codecs(self):
        table = pa.table({"a": list(range(1000))})
        for name, says in [("zstd", "ZSTD"), ("snappy", "SNAPPY"), ("gzip", "GZIP"), ("lz4", "LZ4"),
                           ("brotli", "BROTLI"), ("none", "UNCOMPRESSED")]:
            self.assertEqual(self.copied(table, compression=name), table)
            self.assertEqual(pq.read_metadata(self.target).row_group(0).column(0).compression, says)

    # ---- refusals ----

    def refused(self, code, text, source=None, **options):
        before = sorted(os.listdir(self.dir.name))
        got, message, _ = run(source or self.source, self.target, **options)
        self.assertEqual(got, code, message)
        self.assertIn(text, message)
        self.assertEqual(sorted(os.listdir(self.dir.name)), before)

    def test_refuses_what_is_no_parquet_file(self):
        self.refused(IO, "No such file")
        self.refused(MISUSE, "not a plain file", source=self.dir.name)
        for content in (b"", b"PAR1", b"PAR1PAR1", b"x" * 4096, b"PAR1\xff\xff\xff\x7fPAR1"):
            pathlib.Path(self.source).write_bytes(content)
            self.refused(CORRUPT, "in.parquet")

    def test_every_cut_is_refused(self):
        pq.write_table(pa.table({"a": list(range(100)), "s": ["t"] * 100}), self.source)
        whole = pathlib.Path(self.source).read_bytes()
        for cut in range(0, len(whole) - 1, 97):
            pathlib.Path(self.source).write_bytes(whole[:cut])
            self.refused(CORRUPT, "in.parquet")

    def test_a_flipped_bit_in_a_page_is_found(self):
        table = pa.table({"a": pa.array(range(1000), pa.int64())})
        pq.write_table(table, self.source, write_page_checksum=True, compression="none",
                       use_dictionary=False)
        whole = bytearray(pathlib.Path(self.source).read_bytes())
        whole[2000] ^= 1
        pathlib.Path(self.source).write_bytes(whole)
        self.refused(STREAM, "CRC")

    def test_a_failing_stream_leaves_nothing_and_keeps_the_old_file(self):
        pq.write_table(pa.table({"a": list(range(1000))}), self.source)
        pathlib.Path(self.target).write_bytes(b"old")
        for batches in (0, 1, 5):
            self.refused(STREAM, "failed as it was told to", batch_rows=100, fail_after=batches)
            self.assertEqual(pathlib.Path(self.target).read_bytes(), b"old")

    def test_bad_options_and_targets(self):
        pq.write_table(pa.table({"a": [1], "l": [[1]]}), self.source)
        self.refused(MISUSE, "zip", compression="zip")
        self.refused(MISUSE, "sorted by b", sorted_by=["a", "b"])
        self.refused(MISUSE, "sorted by l", sorted_by="l")
        self.refused(MISUSE, "bad argument", batch_rows=-1)
        self.refused(MISUSE, "bad argument", group_bytes=-1)
        self.target = "/dev/null"
        self.refused(MISUSE, "not a plain file")
        self.target = os.path.join(self.dir.name, "missing", "out.parquet")
        self.refused(IO, "No such file")


if __name__ == "__main__":
    unittest.main()
