"""A file written by tools/parquet says the same to every reader (P5): pyarrow, Polars, DuckDB.

Skipped (77) without those packages or without the module."""
import datetime
import decimal
import os
import pathlib
import subprocess
import sys
import tempfile

COPY = pathlib.Path(os.environ.get("TEG_BUILD_DIR", "build/dev")) / "tools/parquet/parquet_copy"
try:
    import duckdb
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    duckdb = None
if duckdb is None or not COPY.exists():
    print("skipped: needs pyarrow, Polars, DuckDB and the Parquet module")
    sys.exit(77)

DAY = datetime.date(2013, 2, 12)
NOON = datetime.datetime(2013, 2, 12, 12)
COLUMNS = {
    "bool": (pa.bool_(), [True, None, False]),
    "int8": (pa.int8(), [-128, None, 127]),
    "uint32": (pa.uint32(), [2**32 - 1, None, 0]),
    "uint64": (pa.uint64(), [2**64 - 1, None, 0]),
    "double": (pa.float64(), [0.1, None, -1e300]),
    "float": (pa.float32(), [0.5, None, -2.0]),
    "decimal": (pa.decimal128(10, 2), [decimal.Decimal("12.34"), None, decimal.Decimal("-0.01")]),
    "date": (pa.date32(), [DAY, None, DAY]),
    "micros": (pa.timestamp("us"), [NOON, None, NOON]),
    "millis": (pa.timestamp("ms"), [NOON, None, NOON]),
    "text": (pa.string(), ["", None, "é\0x"]),
    "large": (pa.large_string(), ["", None, "y"]),
    "dict": (pa.dictionary(pa.int32(), pa.string()), ["a", None, "a"]),
    "bytes": (pa.binary(), [b"", None, b"\0\xff"]),
    "fixed": (pa.binary(3), [b"abc", None, b"\0\0\0"]),
    "list": (pa.list_(pa.float64()), [[], None, [1.0, None]]),
    "vectors": (pa.list_(pa.int32(), 2), [[1, 2], None, [3, None]]),
    "struct": (pa.struct([("a", pa.int32())]), [{"a": 1}, None, {"a": None}]),
}


def plain(value):
    """Readers differ in how they wrap bytes and fixed lists, not in what they hold."""
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def readings(path, name):
    yield "pyarrow", pq.read_table(path, columns=[name]).column(0).to_pylist()
    yield "Polars", pl.read_parquet(path, columns=[name])[name].to_list()
    rows = duckdb.sql(f"select \"{name}\" from '{path}'").fetchall()
    yield "DuckDB", [row[0] for row in rows]


def main():
    wrong = []
    with tempfile.TemporaryDirectory() as directory:
        source, target = (os.path.join(directory, n) for n in ("in.parquet", "out.parquet"))
        pq.write_table(pa.table({n: pa.array(v, t) for n, (t, v) in COLUMNS.items()}), source)
        subprocess.run([COPY, source, target], check=True, stdout=subprocess.DEVNULL)
        for name, (_, values) in COLUMNS.items():
            for reader, got in readings(target, name):
                if plain(got) != values:
                    wrong.append(f"{reader} reads {name} as {got}, not {values}")
    print("\n".join(wrong) or f"{len(COLUMNS)} columns read alike by pyarrow, Polars and DuckDB")
    sys.exit(1 if wrong else 0)


main()
