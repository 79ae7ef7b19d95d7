"""What the past costs: the same cells after few and after many commits, and a table with corrections.

Beside it, the emulations that people build. Parquet and DuckDB: every version a row of one file with
its system time, of which a window query picks the newest of each key. Lance: a merge_insert for each
commit, versions of the dataset as the past.
"""
import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import harness
import workloads
from peers import tegula
from workloads import SEED, Workload

SIDE = 448      # cells along x and y: 200,704
SHARE = 10      # a tenth of them is overwritten
COMMITS = (1, 100, 10_000)
LANCE_MOST = 100  # a merge_insert takes tens of milliseconds
PICK_NEWEST = "qualify row_number() over (partition by x, y order by system_time desc) = 1"


def grid(rng):
    x, y = np.divmod(np.arange(SIDE * SIDE), SIDE)
    return pa.table({"x": x, "y": y, "value": rng.normal(0, 1, x.size)})


def changes(rng, base):
    at = rng.permutation(base.num_rows)[:base.num_rows // SHARE]
    table = base.take(pa.array(at)).drop_columns("value")
    return table.append_column("value", pa.array(rng.normal(0, 1, at.size)))


def boxes(rng, n=20, side=45):
    lo = rng.integers(0, SIDE - side, (n, 2))
    return [(list(map(int, a)), list(map(int, a + side - 1))) for a in lo]


def pieces(table, n):
    ends = np.linspace(0, table.num_rows, n + 1).astype(int)
    return [table.slice(a, b - a) for a, b in zip(ends[:-1], ends[1:])]


def expect(batches, rows, who):
    table = pa.Table.from_batches(list(batches))
    total = np.sort(table["value"].to_numpy())
    if rows is not None and not np.array_equal(total, rows):
        raise SystemExit(f"{who} answers otherwise (history)")
    return total


class Ours:
    """A store in which a tenth of the cells was overwritten by n commits."""

    def __init__(self, scratch, base, news, n):
        self.peer = tegula.PEERS[0]
        self.name = f"tegula, {n:,} commits"
        self.place = os.path.join(scratch, f"history-{n}")
        os.mkdir(self.place)
        work = Workload("history", base, "")
        work.dims = ["x", "y"]
        self.peer.write(work, self.place)
        handle = self.peer.open(None, self.place)
        for i, piece in enumerate(pieces(news, n)):
            self.peer.put(handle, piece)
        self.peer.close(handle)
        self.handle = self.peer.open(None, self.place)
        self.old = self.first_time()

    def first_time(self):
        """The system time of the base."""
        reader = self.peer.read(self.handle, ["system_from"])
        return min(pa.Table.from_batches(list(reader))["system_from"].cast(pa.int64()).to_numpy())

    def box(self, lo, hi, old):
        self.peer.as_of(self.handle, int(self.old) if old else 0)
        return self.peer.box(self.handle, ["value"], lo, hi)

    def close(self):
        self.peer.close(self.handle)


class WindowQuery:
    name = "parquet + duckdb window"

    def __init__(self, scratch, base, news):
        import duckdb
        self.path = os.path.join(scratch, "history.parquet")
        log = pa.concat_tables([
            base.append_column("system_time", pa.array(np.zeros(base.num_rows, np.int64))),
            news.append_column("system_time", pa.array(np.arange(1, news.num_rows + 1)))])
        order = np.lexsort((log["system_time"], log["y"], log["x"]))
        pq.write_table(log.take(pa.array(order)), self.path, row_group_size=20_000, compression="zstd",
                       compression_level=1, write_page_index=True)
        self.connection = duckdb.connect(config={"threads": 1})

    def box(self, lo, hi, old):
        known = "and system_time <= 0" if old else ""
        return self.connection.sql(
            f"select value from (select * from '{self.path}' where x between {lo[0]} and {hi[0]} "
            f"and y between {lo[1]} and {hi[1]} {known} {PICK_NEWEST})").to_arrow_reader(65536)

    def close(self):
        self.connection.close()


class LanceVersions:
    def __init__(self, scratch, base, news, n):
        import lance
        self.name = f"lance, {n:,} commits"
        path = os.path.join(scratch, f"history-{n}.lance")
        self.past = lance.write_dataset(base, path)
        data = lance.dataset(path)
        for piece in pieces(news, n):
            data.merge_insert(["x", "y"]).when_matched_update_all().when_not_matched_insert_all().execute(piece)
        self.now = lance.dataset(path)

    def box(self, lo, hi, old):
        where = f"x >= {lo[0]} AND x <= {hi[0]} AND y >= {lo[1]} AND y <= {hi[1]}"
        return (self.past if old else self.now).scanner(columns=["value"], filter=where).to_batches()

    def close(self):
        pass


def boxes_over_history(run, small):
    rng = np.random.default_rng(SEED)
    base = grid(rng)
    news, asked = changes(rng, base), boxes(rng)
    counts = COMMITS[:2] if small else COMMITS
    sides = [Ours(run.scratch, base, news, n) for n in counts]
    for make in (lambda: WindowQuery(run.scratch, base, news),
                 *(lambda n=n: LanceVersions(run.scratch, base, news, n) for n in counts if n <= LANCE_MOST)):
        try:
            sides.append(make())
        except ImportError:
            continue
    for old, said in ((False, "1 % box, now"), (True, "1 % box, as of before the changes")):
        rows = None
        for side in sides:
            rows = expect(side.box(*asked[0], old), rows, side.name)
        run.note("history", "all", f"{said}: rows", len(rows))
        harness.interleaved(run.timings, "history", said, sides, run.repeats * 5,
                            lambda side, i: harness.touch(side.box(*asked[i % len(asked)], old)))
    for side in sides:
        side.close()


# ---- a table with corrections ----

class Table:
    def __init__(self, scratch, name, table):
        self.peer, self.name = tegula.PEERS[0], name
        self.place = os.path.join(scratch, name.replace(" ", "-").replace(",", ""))
        os.mkdir(self.place)
        self.peer.write(Workload("corrections", table, ""), self.place)
        self.handle = self.peer.open(None, self.place)

    def put(self, table, row_ids):
        self.peer.put(self.handle, table, row_ids)
        self.reopen()

    def delete(self, row_ids):
        self.peer.delete(self.handle, row_ids)
        self.reopen()

    def compact(self):
        self.peer.compact(self.handle)
        self.reopen()

    def reopen(self):
        self.peer.close(self.handle)
        self.handle = self.peer.open(None, self.place)

    def scan(self, i):
        return harness.touch(self.peer.scan(self.handle))


def corrections(run, small):
    """One in a hundred rows corrected once: what a scan of the present pays for it."""
    rng = np.random.default_rng(SEED)
    n = 100_000 if small else 10_000_000
    table = pa.table({"sensor": rng.integers(0, 1000, n), "value": rng.normal(0, 1, n).round(3)})
    at = np.sort(rng.permutation(n)[:n // 100])
    news = pa.table({"id": at, "sensor": rng.integers(0, 1000, at.size),
                     "value": rng.normal(0, 1, at.size).round(3)})
    plain = Table(run.scratch, "no corrections", table)
    unmerged = Table(run.scratch, "1 % corrected, unmerged", table)
    unmerged.put(news, "id")
    merged = Table(run.scratch, "1 % corrected, merged", table)
    merged.put(news, "id")
    merged.compact()
    sums = {side.scan(0) for side in (unmerged, merged)}
    if len(sums) != 1:
        raise SystemExit("tegula answers otherwise after a merge (corrections)")
    harness.interleaved(run.timings, "corrections", "full scan", [plain, unmerged, merged], run.repeats,
                        lambda side, i: side.scan(i))
    for side in (plain, unmerged, merged):
        side.peer.close(side.handle)
        shutil.rmtree(side.place)


# ---- takes of a table with a past ----

def takes(run, small):
    """Takes of workloads' rows where 1 % of the rows were updated and 1 % deleted, and nothing merged."""
    for work in (workloads.embeddings(200 if small else 2048), workloads.flights3m(50_000 if small else 3_000_000)):
        rng = np.random.default_rng(SEED)
        n, share = work.table.num_rows, max(work.table.num_rows // 100, 1)
        at = rng.permutation(n)
        gone, updated = np.sort(at[:share]), np.sort(at[share:2 * share])
        news = work.table.take(pa.array(rng.integers(0, n, share)))
        plain = Table(run.scratch, f"{work.name}, no past", work.table)
        past = Table(run.scratch, f"{work.name}, 1 % updated and 1 % deleted", work.table)
        past.put(news.append_column("id", pa.array(updated)), "id")
        past.delete(gone)
        for label, of in work.takes.items():
            asked = [rows % (n - share) for rows in of]  # ordinals count live rows
            check_take(work, past, gone, updated, news, asked[0])
            for columns, said in [([work.column], "one column"), (None, "all columns")]:
                question = f"take {label}, {said}"
                harness.interleaved(run.timings, "takes", question, [plain, past], run.repeats * 5,
                                    lambda side, i: harness.touch(side.peer.take(
                                        side.handle, asked[i % len(asked)], columns)))
                for side in (plain, past):
                    run.timings.extend("takes", question, side.name + " (C)",
                                       side.peer.timed_take(side.handle, asked, columns))
        for side in (plain, past):
            side.peer.close(side.handle)
            shutil.rmtree(side.place)


def check_take(work, past, gone, updated, news, rows):
    live = np.setdiff1d(np.arange(work.table.num_rows), gone)
    places = live[rows]
    new = np.searchsorted(updated, places).clip(max=updated.size - 1)
    source = np.where(updated[new] == places, work.table.num_rows + new, places)
    expected = pa.concat_tables([work.table, news]).take(pa.array(source))
    if not harness.same(expected, past.peer.take(past.handle, rows)):
        raise SystemExit(f"tegula takes other rows beside a past ({work.name})")


def measure(run, small):
    boxes_over_history(run, small)
    corrections(run, small)
    takes(run, small)
