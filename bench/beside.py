"""A writer of 500 durable commits a second, alone and beside a merge of the array that it writes to.

The merge is a process of its own (`tilectl compact`), the writer a loop in C that begins each commit when
it is due; how long one takes counts from then, so that a late one makes the next ones late too. Beside it
Lance: appends, synced, as fast as they go, alone and beside compact_files in another process.
"""
import os
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow as pa

import harness
from peers import tegula
from workloads import SEED, Workload

ROWS, PER_SECOND = 100, 500
SEGMENTS = 20  # that wait to be merged
MERGE = "import lance, sys; lance.dataset(sys.argv[1]).optimize.compact_files(target_rows_per_fragment=1 << 30)"


def steps(n):
    """What the writer's loop puts, as a table."""
    step = np.arange(n)
    return pa.table({"step": step, "value": np.random.default_rng(SEED).normal(0, 1, n)})


def pieces(table):
    part = -(-table.num_rows // SEGMENTS)
    return [table.slice(at, part) for at in range(0, table.num_rows, part)]


class Tegula:
    name = "tegula"

    def __init__(self, scratch, table):
        self.peer, self.path = tegula.PEERS[0], os.path.join(scratch, "beside-tegula")
        os.mkdir(self.path)
        first, *rest = pieces(table)
        self.peer.write(Workload("beside", first, ""), self.path)
        handle = self.peer.open(None, self.path)
        for piece in rest:
            self.peer.put(handle, piece)
        self.peer.close(handle)

    def write(self, commits, stop):
        return tegula.timed_paced(self.path, commits, ROWS, PER_SECOND, stop)

    def merge(self):
        return subprocess.Popen([harness.tilectl(), "compact", self.path, "--array", "array"], stdout=subprocess.DEVNULL)

    def rows(self):
        handle = self.peer.open(None, self.path)
        n = sum(batch.num_rows for batch in self.peer.scan(handle, ["step"]))
        self.peer.close(handle)
        return n


class Lance:
    name = "lance"

    def __init__(self, scratch, table):
        import lance
        from peers.peer import sync
        self.lance, self.sync, self.synced = lance, sync, set()
        self.path = os.path.join(scratch, "beside.lance")
        for i, piece in enumerate(pieces(table)):
            lance.write_dataset(piece, self.path, mode="append" if i else "create")
        self.batch = table.slice(0, ROWS)

    def sync_new(self):
        """What has come since the last time, and the directories."""
        for directory in ("data", "_transactions", "_versions"):
            for entry in os.scandir(os.path.join(self.path, directory)):
                if entry.path not in self.synced:
                    self.synced.add(entry.path)
                    self.sync(entry.path)
            self.sync(os.path.join(self.path, directory))

    def write(self, commits, stop):
        """As the loop in C does it, for as long as that takes when no commit is late."""
        start, took = time.perf_counter(), []
        end = start + commits / PER_SECOND
        while time.perf_counter() < end and not stop.value:
            due = start + len(took) / PER_SECOND
            time.sleep(max(due - time.perf_counter(), 0))
            self.lance.write_dataset(self.batch, self.path, mode="append")
            self.sync_new()
            took.append(time.perf_counter() - due)
        return took, time.perf_counter() - start

    def merge(self):
        return subprocess.Popen([sys.executable, "-c", MERGE, self.path])

    def rows(self):
        return self.lance.dataset(self.path).count_rows()


def write_beside(side, commits):
    """Until the merge has ended; what it took."""
    stop, done = tegula.stop_flag(), []
    writer = threading.Thread(target=lambda: done.append(side.write(commits, stop)))
    writer.start()
    time.sleep(0.5)
    start = time.perf_counter()
    merge = side.merge()
    failed = merge.wait()
    seconds = time.perf_counter() - start
    stop.value = 1
    writer.join()
    if failed and isinstance(side, Tegula):
        raise SystemExit(f"{side.name}: the merge beside a writer failed")
    return *done[0], None if failed else seconds


def tell(run, side, said, took, seconds):
    run.note("beside", side.name, f"{said}: commits/s", len(took) / seconds)
    for share in (50, 99, 99.9):
        run.note("beside", side.name, f"{said}: {share} % of commits within, ms", float(np.percentile(took, share)) * 1e3)
    run.note("beside", side.name, f"{said}: the longest, ms", max(took) * 1e3)


def raw_limit(run, said):
    """What the disk gives at best now: a file of some bytes and its directory, synced."""
    place = os.path.join(run.scratch, "beside-raw")
    os.mkdir(place)
    run.note("beside", "raw limit", f"{said}: a file and its directory synced, ms",
             float(np.median(tegula.timed_raw_commits(place, 500))) * 1e3)
    shutil.rmtree(place)


def measure(run, small):
    n = 200_000 if small else 20_000_000
    alone = PER_SECOND * (1 if small else 20)
    table = steps(n)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count()))  # a process each
    for make in (Tegula, Lance):
        try:
            side = make(run.scratch, table)
        except ImportError:
            continue
        merge, start = side.merge(), time.perf_counter()
        if merge.wait():
            raise SystemExit(f"{side.name}: the merge failed")
        run.note("beside", side.name, "merge with no writer, s", time.perf_counter() - start)
        shutil.rmtree(side.path)
        side = make(run.scratch, table)
        rows = side.rows()
        raw_limit(run, f"before {side.name}")
        took, seconds = side.write(alone, tegula.stop_flag())
        tell(run, side, "alone", took, seconds)
        rows += ROWS * len(took)
        took, seconds, merged = write_beside(side, alone * 100)
        tell(run, side, "beside a merge", took, seconds)
        if merged is None:
            run.note("beside", side.name, "merges beside a writer that gave up after conflicts", 1)
        else:
            run.note("beside", side.name, "merge beside a writer, s", merged)
        if side.rows() != rows + ROWS * len(took):
            raise SystemExit(f"{side.name} lost or added rows (beside)")
        shutil.rmtree(side.path)
    os.sched_setaffinity(0, cores)
