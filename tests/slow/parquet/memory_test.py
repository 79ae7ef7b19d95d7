"""A Parquet file goes in and comes out in less memory than 10 % of its decoded size + 64 MiB.

Both ways are tilectl's, and the limit is on all of what the process has, libarrow and its code
included. What comes out is compared bit for bit, with nulls and metadata. This program makes and
compares in children, because a process counts what its parent had when it was started."""
import os
import pathlib
import subprocess
import sys
import tempfile

TILECTL = os.environ.get("TEG_TILECTL", "build/dev/tilectl")
MODULE = pathlib.Path(os.environ.get("TEG_BUILD_DIR", "build/dev")) / "tools/parquet"
MIB = 1 << 20


def pseudo_random(rows, top):
    import numpy as np
    return np.random.default_rng(rows).integers(0, top, rows)


def some_null(values, type_=None):
    import pyarrow as pa
    return pa.array(values, type_, mask=pseudo_random(len(values), 20) == 0)


def long_table():
    """About 80 bytes a row, text that no dictionary shortens."""
    import numpy as np
    import pyarrow as pa
    rows = np.arange(3_000_000)
    scrambled = rows * 2654435761 % 2**31
    doubles = scrambled.astype(np.float64)
    doubles[::1000] = np.nan
    text = [f"row {i:09} of the long table {i * 7919 % 1000003}" for i in rows]
    return pa.table({"id": pa.array(rows), "value": some_null(doubles),
                     "code": some_null(scrambled), "text": some_null(text)})


def flights_table():
    """19 columns like those of nycflights13: numbers, few different texts, times, nulls."""
    import numpy as np
    import pyarrow as pa
    n = 3_000_000
    columns = {f"number_{i}": some_null(pseudo_random(n, 2000).astype(np.int32)) for i in range(10)}
    columns |= {f"double_{i}": some_null(pseudo_random(n, 2**40) / 7) for i in range(4)}
    columns |= {f"text_{i}": some_null([f"N{v}" for v in pseudo_random(n, 4000)]) for i in range(3)}
    columns["time"] = pa.array(np.arange(n) * 60_000_000, pa.timestamp("us", "UTC"))
    columns["x"] = pa.array(np.arange(n))
    return pa.table(columns)


def blob_table():
    """100 KB in one value of each row: a batch by rows alone would be all of it."""
    import pyarrow as pa
    n = 4000
    return pa.table({"id": pa.array(range(n), pa.int64()),
                     "blob": pa.array((os.urandom(100_000) for _ in range(n)), pa.binary())})


CASES = [
    # name, table, rows of a row group (None: pyarrow's default), import as
    ("long, in one row group", long_table, 1 << 30, []),
    ("19 columns", flights_table, None, []),
    ("19 columns, sparse", flights_table, None, ["--kind", "sparse", "--dims", "x"]),
    ("blobs of 100 KB, in one row group", blob_table, 1 << 30, []),
]


def make(case, path):
    import pyarrow as pa
    import pyarrow.parquet as pq
    _, table, group, kind = CASES[case]
    table = table()
    fields = [f if f.name in kind else f.with_metadata({"unit": f"of {f.name}"})
              for f in (f.with_nullable(table[f.name].null_count > 0) for f in table.schema)]
    table = table.cast(pa.schema(fields, {"who": "memory_test"}))
    # Small write batches: a page is decoded whole, so its size is the writer's word.
    pq.write_table(table, path, row_group_size=group, write_batch_size=16 if group else 1024)
    print(table.nbytes)


def bits(column):
    import pyarrow as pa
    array = column.combine_chunks()
    return array.view(pa.int64()) if pa.types.is_float64(array.type) else array


def compare(source, target):
    import pyarrow.parquet as pq
    ours, theirs = pq.read_table(target), pq.read_table(source)
    ours = ours.select(theirs.column_names)
    assert ours.schema.equals(theirs.schema, check_metadata=True), f"{ours.schema} {theirs.schema}"
    for name in theirs.column_names:
        assert bits(ours[name]).equals(bits(theirs[name])), f"column {name} differs"


def in_child(*words):
    return subprocess.run([sys.executable, __file__, *map(str, words)], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def peak(*words):
    """The most memory of a child that succeeds, in bytes."""
    child = subprocess.Popen([TILECTL, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, words
    return usage.ru_maxrss * 1024


def main():
    for i, (name, _, _, kind) in enumerate(CASES):
        with tempfile.TemporaryDirectory() as directory:
            source, store, target = (os.path.join(directory, n) for n in ("in.parquet", "s", "out.parquet"))
            decoded = int(in_child("make", i, source))
            limit = decoded // 10 + 64 * MIB
            went_in = peak("import", source, store, "--array", "a", *kind)
            came_out = peak("export", store, target, "--array", "a")
            in_child("compare", source, target)
            print(f"{name}: {decoded / MIB:.0f} MiB decoded, import {went_in / MIB:.1f}, "
                  f"export {came_out / MIB:.1f} of {limit / MIB:.1f} MiB")
            assert max(went_in, came_out) <= limit, f"{name}: more than the limit"


if len(sys.argv) > 1 and sys.argv[1] == "make":
    make(int(sys.argv[2]), sys.argv[3])
elif len(sys.argv) > 1:
    compare(*sys.argv[2:])
else:
    if not (MODULE / "parquet_copy").exists() or os.environ.get("TEG_SANITIZE"):
        print("skipped: needs the Parquet module, and no sanitizer's memory")
        sys.exit(77)
    try:
        subprocess.run([sys.executable, "-c", "import pyarrow, numpy"], check=True, capture_output=True)
    except subprocess.CalledProcessError:
        print("skipped: needs pyarrow")
        sys.exit(77)
    main()
