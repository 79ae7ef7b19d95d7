"""One key with a very long history: what a read of one point of it costs, and of all of it.

Three shapes of a million versions, each learned at a time of its own: open-ended (holds from its own time
on), readings (short intervals, one after the other), backdated (each about the time before all that was
said so far). Points are asked as of now and as of old; the whole is every effective piece as of now.

Beside it, the emulations that people build. Parquet and DuckDB: every version a row of one file, sorted
by key and system time, the footer kept in memory, the newest row that covers V picked by the query;
pieces by a window over neighbours, which is right for these shapes alone: in general each version would
have to be cut by all that are newer. Lance: the same log. What Lance has of its own, a merge_insert per
version and old versions of the dataset, takes 25 ms each (see history.py), seven hours of a million, and
knows one time axis only: it is not measured.
"""
import json
import math
import os
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import harness
from ledger import tidy, tilectl
from peers import tegula
from peers.peer import bytes_below
from workloads import SEED

KEY = 5
OPEN = np.iinfo(np.int64).max
START = 1_700_000_000_000_000
ROLES = ["--dims", "x", "--system-time", "t", "--valid-from", "f", "--valid-until", "u"]
POINTS = 40


def shapes(n):
    """Valid from and until of version i, and the piece of it that later ones leave, in SQL."""
    i = START + 10 * np.arange(n, dtype=np.int64)
    back = START + 10 * (n - np.arange(n, dtype=np.int64))
    return {"open-ended": (i, np.full(n, OPEN), "f", "coalesce(lead(f) over (order by t), u)"),
            "readings": (i, i + 10, "f", "u"),
            "backdated": (back, back + 15, "coalesce(lead(u) over (order by t), f)", "u")}


def log(n, f, u):
    x = np.full(n, KEY)
    x[:4] = 1, 3, 7, 9  # neighbours
    return pa.table({"x": x, "v": np.random.default_rng(SEED).normal(0, 1, n).round(3),
                     "t": START + np.arange(1, n + 1), "f": f, "u": pa.array(u, mask=u == OPEN)})


def points(n):
    """(S, V): half of them as of now (0)."""
    rng = np.random.default_rng(SEED)
    return [(0 if k % 2 else START + int(rng.integers(1, n)), START + int(rng.integers(1, 10 * n)))
            for k in range(2 * POINTS)]


class Ours:
    name = "tegula"

    def __init__(self, scratch, name, source):
        self.path, self.peer = os.path.join(scratch, name), tegula.PEERS[0]
        tilectl("import", source, self.path, "--array", "array", *ROLES)
        tidy(self.path)
        self.handle = self.peer.open(None, self.path)

    def point(self, s, v):
        self.peer.as_of(self.handle, s)
        self.peer.valid_at(self.handle, v)
        return self.peer.box(self.handle, ["v"], [KEY], [KEY])

    def timed_point(self, s, v):
        self.point(s, v)
        return self.peer.timed_scan(self.handle, ["v"], [KEY], [KEY], 5)

    def whole(self):
        self.peer.as_of(self.handle, 0)
        self.peer.valid_at(self.handle, 0)
        return self.peer.box(self.handle, ["v", "valid_from", "valid_until"], [KEY], [KEY])

    def tiles(self, s, v):
        when = ["--as-of", str(s)] if s else []
        done = subprocess.run([harness.tilectl(), "explain", self.path, "--array", "array", "--box", f"x={KEY}", "--valid-at",
                               str(v), *when, "--columns", "v", "--run", "--format", "ndjson"],
                              check=True, capture_output=True)
        return json.loads(done.stdout)

    def size(self):
        return bytes_below(self.path)[0]

    def close(self):
        self.peer.close(self.handle)


class Query:
    name = "parquet + duckdb"

    def __init__(self, scratch, name, table, pieces):
        import duckdb
        self.path, self.pieces = os.path.join(scratch, f"{name}-sorted.parquet"), pieces
        order = np.lexsort((table["t"], table["x"]))
        pq.write_table(table.take(pa.array(order)), self.path, row_group_size=20_000, compression="zstd",
                       compression_level=1, write_page_index=True)
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.sql("set parquet_metadata_cache = true")

    def point(self, s, v):
        known = f"and t <= {s}" if s else ""
        return self.connection.sql(f"select v from '{self.path}' where x = {KEY} and f <= {v} and (u > {v} or u is null) "
                                   f"{known} order by t desc limit 1").to_arrow_reader(65536)

    def whole(self):
        return self.connection.sql(f"select v, {self.pieces[0]} as valid_from, {self.pieces[1]} as valid_until "
                                   f"from '{self.path}' where x = {KEY}").to_arrow_reader(65536)

    def size(self):
        return os.path.getsize(self.path)

    def close(self):
        self.connection.close()


class LanceLog:
    name = "lance"

    def __init__(self, scratch, name, table):
        import lance
        from lance.dataset import ColumnOrdering
        self.path = os.path.join(scratch, f"{name}.lance")
        order = np.lexsort((table["t"], table["x"]))
        self.data = lance.write_dataset(table.take(pa.array(order)), self.path)
        self.newest = ColumnOrdering("t", ascending=False, nulls_first=False)

    def point(self, s, v):
        known = f"AND t <= {s}" if s else ""
        where = f"x = {KEY} AND f <= {v} AND (u > {v} OR u IS NULL) {known}"
        return self.data.scanner(columns=["v"], filter=where, order_by=[self.newest], limit=1).to_batches()

    def size(self):
        return bytes_below(self.path)[0]

    def close(self):
        pass


def sides_of(scratch, shape, n):
    f, u, *pieces = shapes(n)[shape]
    name, table = f"{shape}-{n}", log(n, f, u)
    source = os.path.join(scratch, f"{name}.parquet")
    pq.write_table(table, source, compression="zstd", compression_level=1)
    sides = [Ours(scratch, name, source)]
    for make in (lambda: Query(scratch, name, table, pieces), lambda: LanceLog(scratch, name, table)):
        try:
            sides.append(make())
        except ImportError:
            continue
    return sides


def values(batches):
    rows = [value for batch in batches for value in batch.column(0).to_pylist()]
    return rows


def pieces_of(batches):
    """By valid time, with times as numbers."""
    table = pa.Table.from_batches(list(batches))
    v, since, until = (table[name].combine_chunks() for name in ("v", "valid_from", "valid_until"))
    since, until = (c.cast(pa.int64()).fill_null(OPEN).to_numpy(zero_copy_only=False) for c in (since, until))
    order = np.argsort(since)
    return v.to_numpy(zero_copy_only=False)[order], since[order], until[order]


def compare(sides, asked, said):
    for s, v in asked:
        answers = [values(side.point(s, v)) for side in sides]
        if any(a != answers[0] for a in answers):
            raise SystemExit(f"answers differ at S {s}, V {v}: {answers} ({said})")
    wholes = [pieces_of(side.whole()) for side in sides if hasattr(side, "whole")]
    for other in wholes[1:]:
        if not all(np.array_equal(a, b) for a, b in zip(wholes[0], other)):
            raise SystemExit(f"pieces differ ({said})")


def measure_one(run, shape, n):
    said, asked = f"{shape}, {n:,} versions", points(n)
    sides = sides_of(run.scratch, shape, n)
    compare(sides, asked, said)
    for side in sides:
        run.note("onekey", side.name, f"{said}: MB", side.size() / 1e6)
    read = [sides[0].tiles(*point) for point in asked]
    run.note("onekey", "tegula", f"{said}: tiles of a point, at most", max(int(r["tiles_read"]) for r in read))
    run.note("onekey", "tegula", f"{said}: pages of them, at most", max(int(r["pages_read"]) for r in read))
    for when, some in (("old", asked[::2]), ("now", asked[1::2])):
        question = f"{said}: point, as of {when}"
        harness.interleaved(run.timings, "onekey", question, sides, POINTS,
                            lambda side, i: harness.touch(side.point(*some[i % len(some)])))
        for point in some:
            run.timings.extend("onekey", question, "tegula (C)", sides[0].timed_point(*point))
    harness.interleaved(run.timings, "onekey", f"{said}: all pieces", [s for s in sides if hasattr(s, "whole")],
                        run.repeats, lambda side, i: harness.touch(side.whole()))
    for side in sides:
        side.close()


def growth(run, shape, few, many):
    for peer in ("tegula", "parquet + duckdb"):
        cost = [run.timings.cpu_median("onekey", f"{shape}, {n:,} versions: all pieces", peer) for n in (few, many)]
        if all(cost):
            run.note("onekey", peer, f"{shape}: all pieces grow as n to the",
                     round(math.log(cost[1] / cost[0]) / math.log(many / few), 3))


def measure(run, small):
    few, many = (2_000, 16_000) if small else (125_000, 1_000_000)
    for shape in shapes(1):
        for n in (few, many):
            measure_one(run, shape, n)
        growth(run, shape, few, many)
