"""Reading and writing a large file takes memory that does not grow with it.

A file of 3 million rows in one row group of several hundred MB, and one of few rows but wide ones."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

COPY = pathlib.Path(os.environ.get("TEG_BUILD_DIR", "build/dev")) / "tools/parquet/parquet_copy"
try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    pa = None
if pa is None or not COPY.exists():
    print("skipped: needs pyarrow and the Parquet module")
    sys.exit(77)


def long_table(rows):
    """About 80 bytes a row, text that does not compress to nothing."""
    numbers = pa.array(range(rows), pa.int64())
    scrambled = pa.array([(i * 2654435761) % 2**31 for i in range(rows)], pa.int64())
    return pa.table({"id": numbers, "value": scrambled.cast(pa.float64()), "code": scrambled,
                     "text": [f"row {i:09} of the long table {i * 7919 % 1000003}" for i in range(rows)]})


def wide_table(rows):
    """100 KB in one value of each row: a batch by rows alone would be all of it."""
    return pa.table({"id": pa.array(range(rows), pa.int64()),
                     "blob": pa.array((os.urandom(100_000) for _ in range(rows)), pa.binary())})


def peak_mib(table, directory, row_group_rows):
    source, target = (os.path.join(directory, n) for n in ("in.parquet", "out.parquet"))
    # Small write batches: a page is decoded whole, so its size is the writer's word.
    pq.write_table(table, source, row_group_size=row_group_rows, write_batch_size=16)
    done = subprocess.run([COPY, source, target], capture_output=True, text=True, check=True)
    facts = json.loads(done.stdout)
    assert facts["rows"] == table.num_rows, facts
    assert pq.read_table(target).equals(table), "rows differ"
    return facts["peak_kib"] / 1024


def main():
    with tempfile.TemporaryDirectory() as directory:
        base = peak_mib(long_table(1000), directory, 1000)
        for name, table, limit in [("3 M rows", long_table(3_000_000), 160),
                                   ("4,000 rows of 100 KB", wide_table(4000), 192)]:
            grown = peak_mib(table, directory, table.num_rows) - base
            print(f"{name}: {table.nbytes >> 20} MiB in one row group, grew by {grown:.0f} MiB")
            assert grown <= limit, f"more than {limit} MiB"


main()
