"""Replay: a ledger in which every version has a system time of its own becomes a store, by `tilectl import`.

The ledger is what `tilectl export --all-versions` writes: rows with their times and kinds. Beside it the
floor, the same ledger read and written as a Parquet file; and what the store holds where the versions came
in many parts and were merged, beside the same versions in one.
"""
import os
import resource
import shutil
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import harness
from peers.peer import bytes_below
from workloads import SEED

ROLES = ["--dims", "x", "--system-time", "system_from", "--row-kind", "row_kind"]
PARTS = 20


def ledger(n):
    """n versions of n / 10 cells; one in fifty says that its cell is gone."""
    rng = np.random.default_rng(SEED)
    kind = np.where(rng.random(n) < 0.02, "tombstone", "live")
    live = kind == "live"
    return pa.table({"x": rng.integers(0, n // 10, n),
                     "value": pa.array(rng.normal(0, 1, n).round(3), mask=~live),
                     "system_from": pa.array(1_700_000_000_000_000 + 1000 * np.arange(n), pa.timestamp("us", "UTC")),
                     "row_kind": kind})


def tilectl(*words):
    """Seconds of a command: on the wall, and of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    watch = harness.Watch()
    subprocess.run([harness.tilectl(), *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds, _ = watch.read()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def replay(source, store, *words):
    shutil.rmtree(store, ignore_errors=True)
    return tilectl("import", source, store, "--array", "a", *ROLES, *words)


def rewrite(source, target):
    watch = harness.Watch()
    with pq.ParquetWriter(target, pq.read_schema(source), compression="zstd", compression_level=1) as writer:
        for batch in pq.ParquetFile(source).iter_batches():
            writer.write_batch(batch)
    with open(target) as file:
        os.fsync(file.fileno())
    return watch.read()


def tidy(store):
    tilectl("compact", store)
    tilectl("vacuum", store, "--grace", "0")


def same_ledger(a, b):
    return pq.read_table(a).equals(pq.read_table(b))


def measure(run, small):
    n = 20_000 if small else 1_000_000
    at = {name: os.path.join(run.scratch, f"ledger-{name}") for name in ("one", "parts", "again")}
    source, first, second = (os.path.join(run.scratch, f"{name}.parquet") for name in ("ledger", "first", "second"))
    pq.write_table(ledger(n), source, compression="zstd", compression_level=1)
    for _ in range(run.repeats):
        run.timings.add("ledger", f"replay {n:,} versions, all at times of their own", "tegula", *replay(source, at["one"]))
        run.timings.add("ledger", f"replay {n:,} versions, all at times of their own", "parquet (a copy)",
                        *rewrite(source, first))
    replay(source, at["parts"], "--part-rows", str(n // PARTS), "--key", "ledger")
    for store in (at["one"], at["parts"]):
        tidy(store)
    for said, store in (("MB, in one", at["one"]), (f"MB, in {PARTS} parts, merged", at["parts"])):
        run.note("ledger", "tegula", said, bytes_below(store)[0] / 1e6)
    run.note("ledger", "parquet (a copy)", "MB", os.path.getsize(source) / 1e6)
    tilectl("export", at["parts"], first, "--array", "a", "--all-versions", "--replace")
    replay(first, at["again"])
    tilectl("export", at["again"], second, "--array", "a", "--all-versions", "--replace")
    if not same_ledger(first, second):
        raise SystemExit("tegula answers otherwise after a replay (ledger)")
    for place in at.values():
        shutil.rmtree(place)
