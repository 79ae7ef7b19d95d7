"""Measures Tegula and its peers on the same data, in the same run, on one core.

    ./dev bench                     all workloads, about ten minutes
    ./dev bench --only sparse       flights flights3m sparse keys embeddings ragged grid history ledger
                                    onekey beside commits memory
    ./dev bench --small             a hundredth of the rows: does it still work?
    ./dev bench --keep NAME         also keeps the report as bench/results/NAME.{json,md}

What is done: every peer writes the data durably; what it reads back is compared with what was
written, bit for bit; then the peers are asked the same questions in turn, round after round, with
files in the page cache, and every byte of every answer is summed. Figures are medians with the
lowest and highest beside them, and the processor's time, which a busy machine disturbs least. "(C)"
rows are loops in C, without a Python call between two reads. Peers that are measured where their
package is installed: duckdb, vortex-data, pylance, zarr, h5py, tiledb.
"""
import argparse
import gc
import importlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import pyarrow as pa  # noqa: E402

import beside  # noqa: E402
import grids  # noqa: E402
import harness  # noqa: E402
import history  # noqa: E402
import ledger  # noqa: E402
import onekey  # noqa: E402
import report  # noqa: E402
import workloads  # noqa: E402
from peers import tegula  # noqa: E402
from peers.peer import Unsupported, bytes_below, presorted  # noqa: E402

C = " (C)"


def discover():
    """Every peer of every file in peers/; one whose package is not installed is left out."""
    found = list(tegula.PEERS)
    for path in sorted((pathlib.Path(__file__).resolve().parent / "peers").glob("*.py")):
        if path.stem in ("peer", "tegula"):
            continue
        try:
            found += importlib.import_module(f"peers.{path.stem}").PEERS
        except ImportError as error:
            say(f"not measured: {path.stem} ({error})")
    return found


def say(line):
    print(line, file=sys.stderr, flush=True)


PEERS = discover()


class Run:
    def __init__(self, scratch, peers, repeats, small):
        self.scratch, self.peers, self.repeats, self.small = scratch, peers, repeats, small
        self.timings, self.facts = harness.Timings(), []

    def note(self, work, peer, what, value):
        self.facts.append({"workload": work, "peer": peer, "fact": what, "value": value})

    def place(self, work, peer):
        return os.path.join(self.scratch, f"{work.name}-{peer.name}".replace(" ", "-").replace("/", ""))

    # ---- writing, and whether it is right ----

    def write_one(self, work, peer):
        directory = self.place(work, peer)
        shutil.rmtree(directory, ignore_errors=True)
        os.mkdir(directory)
        watch = harness.Watch()
        peer.write(work, directory)
        return watch.read()

    def write(self, work):
        """Every peer three times in turn; the last files stay. Returns who could, with handles."""
        able = []
        if work.order:
            start = time.perf_counter()
            presorted(work)
            self.note(work.name, "Hilbert peers", "sorted beforehand, s", time.perf_counter() - start)
        for _ in range(3):
            for peer in self.peers:
                try:
                    self.timings.add(work.name, "write", peer.name, *self.write_one(work, peer))
                    able.append(peer)
                except Unsupported:
                    pass
        return list(dict.fromkeys(able))

    def check(self, work, peer, handle):
        if not harness.same(work.table, peer.scan(handle), work.dims):
            raise SystemExit(f"{peer.name} gives back other rows than were written ({work.name})")
        size, files = bytes_below(self.place(work, peer))
        self.note(work.name, peer.name, "MB", size / 1e6)
        self.note(work.name, peer.name, "bytes a row", size / work.table.num_rows)
        self.note(work.name, peer.name, "files", files)

    def check_answers(self, work, peers, handles):
        """Boxes, filters and takes: the same rows from every peer before anything is timed."""
        for label, boxes in work.boxes.items():
            self.agree(work, label, peers, lambda p: p.box(handles[p], None, *boxes[0]), work.dims)
        for label, (column, lo, hi) in work.where.items():
            self.agree(work, label, peers, lambda p: p.where(handles[p], None, column, lo, hi))
        for label, takes in work.takes.items():
            self.agree(work, label, peers, lambda p: p.take(handles[p], takes[0]))
        if work.finds:
            self.agree(work, "find", peers, lambda p: p.find(handles[p], work.key, work.finds[0]))

    def agree(self, work, label, peers, ask, keys=()):
        expected = None
        for peer in reversed(peers):  # Tegula's is compared, it never decides
            try:
                batches = list(ask(peer))
            except Unsupported:
                continue
            if expected is None:
                expected = harness.plain(pa.Table.from_batches(batches), work.table.schema)
            elif not harness.same(expected, batches, keys):
                raise SystemExit(f"{peer.name} answers otherwise ({work.name}, {label})")
        self.note(work.name, "all", f"{label}: rows", expected.num_rows)

    # ---- reading ----

    def read(self, work, peers):
        handles = {p: p.open(work, self.place(work, p)) for p in peers}
        for peer in peers:
            self.check(work, peer, handles[peer])
        self.check_answers(work, peers, handles)
        touch, ask = harness.touch, self.ask
        gc.disable()
        ask(work, "full scan", peers, lambda p, i: touch(p.scan(handles[p])))
        ask(work, f"column {work.column}", peers, lambda p, i: touch(p.scan(handles[p], [work.column])))
        if work.text:
            ask(work, f"text column {work.text}", peers,
                lambda p, i: touch(p.scan(handles[p], [work.text])))
        for label, boxes in work.boxes.items():
            for columns, said in [([work.column], "one column"), (None, "all columns")]:
                ask(work, f"{label}, {said}", peers,
                    lambda p, i: touch(p.box(handles[p], columns, *boxes[i % len(boxes)])))
        for label, (column, lo, hi) in work.where.items():
            ask(work, f"{label}, all columns", peers,
                lambda p, i: touch(p.where(handles[p], None, column, lo, hi)))
        for label, takes in work.takes.items():
            for columns, said in [([work.column], "one column"), (None, "all columns")]:
                ask(work, f"take {label}, {said}", peers,
                    lambda p, i: touch(p.take(handles[p], takes[i % len(takes)], columns)))
        if work.finds:
            ask(work, f"find by {work.key}", peers,
                lambda p, i: touch(p.find(handles[p], work.key, work.finds[i % len(work.finds)])))
        self.from_c(work, peers, handles)
        for peer in peers:
            peer.close(handles[peer])
        ask(work, "open and close", peers, lambda p, i: p.close(p.open(work, self.place(work, p))))
        gc.enable()

    def ask(self, work, question, peers, question_of):
        harness.interleaved(self.timings, work.name, question, peers, self.repeats, question_of)

    def from_c(self, work, peers, handles):
        for peer in (p for p in peers if isinstance(p, tegula.Tegula)):
            handle, name, n = handles[peer], peer.name + C, self.repeats
            for columns, question in [(None, "full scan"), ([work.column], f"column {work.column}"),
                                      ([work.text], f"text column {work.text}")]:
                if columns == [None]:
                    continue
                self.timings.extend(work.name, question, name,
                                    peer.timed_scan(handle, columns, None, None, n))
            for label, boxes in work.boxes.items():
                for columns, said in [([work.column], "one column"), (None, "all columns")]:
                    for lo, hi in boxes:
                        self.timings.extend(work.name, f"{label}, {said}", name,
                                            peer.timed_scan(handle, columns, lo, hi, 5))
            for label, takes in work.takes.items():
                for columns, said in [([work.column], "one column"), (None, "all columns")]:
                    self.timings.extend(work.name, f"take {label}, {said}", name,
                                        peer.timed_take(handle, takes, columns))
            if work.finds:
                self.timings.extend(work.name, f"find by {work.key}", name,
                                    peer.timed_find(handle, work.finds))
            self.timings.extend(work.name, "open and close", name,
                                peer.timed_open(self.place(work, peer), 50))

    def workload(self, name):
        few = [workloads.SMALL.get(name, 50_000)] if self.small and name != "flights" else []
        work = workloads.ALL[name](*few)
        work.table = work.table.combine_chunks()
        self.note(work.name, "all", "logical MB", work.table.nbytes / 1e6)
        say(f"{name}: writing")
        peers = self.write(work)
        say(f"{name}: comparing and reading")
        self.read(work, peers)

    # ---- many small commits ----

    def commits(self):
        batches = workloads.steps(50 if self.small else 500)
        places = {}
        able = []
        for peer in self.peers:
            places[peer] = os.path.join(self.scratch, f"commits-{peer.name}".replace(" ", "-"))
            os.mkdir(places[peer])
            try:
                able.append((peer, peer.appender(batches[0], places[peer])))
            except Unsupported:
                pass
        raw = os.path.join(self.scratch, "commits-raw")
        os.mkdir(raw)
        for batch in batches:
            for peer, commit in able:
                watch = harness.Watch()
                commit(batch)
                self.timings.add("commits", "commit of 100 rows", peer.name, *watch.read())
        whole = pa.Table.from_batches(batches)
        for peer, commit in able:
            getattr(commit, "close", lambda: None)()
            if not harness.same(whole, peer.read_back(places[peer])):
                raise SystemExit(f"{peer.name} lost or changed a commit")
            for _ in range(self.repeats):
                watch = harness.Watch()
                harness.touch(peer.read_back(places[peer]))
                self.timings.add("commits", "open and scan all", peer.name, *watch.read())
            size, files = bytes_below(places[peer])
            self.note("commits", peer.name, "MB", size / 1e6)
            self.note("commits", peer.name, "files", files)
        self.commits_from_c(raw, len(batches))

    def commits_from_c(self, raw, n):
        place = os.path.join(self.scratch, "commits-c")
        os.mkdir(place)
        raws = tegula.timed_raw_commits(raw, n)
        ours = tegula.timed_commits(place, n, 100)
        self.timings.extend("commits", "commit of 100 rows", "raw limit" + C, raws)
        self.timings.extend("commits", "commit of 100 rows", "tegula" + C, ours)
        tenth = max(n // 10, 1)
        self.timings.extend("commits", "the last tenth of them", "raw limit" + C, raws[-tenth:])
        self.timings.extend("commits", "the last tenth of them", "tegula" + C, ours[-tenth:])

    # ---- a grid; the past ----

    def grid(self):
        grids.measure(self, 32 if self.small else 256)

    def history(self):
        history.measure(self, self.small)

    def takes(self):
        history.takes(self, self.small)

    def ledger(self):
        ledger.measure(self, self.small)

    def onekey(self):
        onekey.measure(self, self.small)

    def beside(self):
        beside.measure(self, self.small)

    # ---- memory ----

    def memory(self):
        work = workloads.column10m(*([100_000] if self.small else []))
        for peer in self.peers:
            try:
                self.write_one(work, peer)
            except Unsupported:
                continue
            grown = [float(subprocess.run([sys.executable, __file__, "--stream", str(PEERS.index(peer)),
                                           self.place(work, peer)],
                                          capture_output=True, text=True, check=True).stdout)
                     for _ in range(3)]
            self.note(work.name, peer.name, "MiB grown while streaming", sorted(grown)[1])


def status_mib(name):
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))


def stream(peer, directory):
    """In a process of its own: how much memory a scan adds to an open handle."""
    work = workloads.Workload("column10m", None, "")
    handle = peer.open(work, directory)
    harness.touch([pa.record_batch({"value": pa.array([1.0])})])
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # the peak starts anew
    before = status_mib("VmRSS")
    harness.touch(peer.scan(handle, ["value"]))
    print(status_mib("VmHWM") - before)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", help="a workload; may be repeated")
    parser.add_argument("--peer", action="append", help="only peers whose name contains this")
    parser.add_argument("--small", action="store_true", help="few rows: a trial run")
    parser.add_argument("--repeats", type=int, default=11, help="rounds of each question")
    parser.add_argument("--keep", metavar="NAME", help="keep the report in bench/results")
    parser.add_argument("--scratch", help="where a directory for the files is made (default: build/bench)")
    parser.add_argument("--stream", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent
    out = root / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    facts = harness.machine(str(out))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # whatever threads a peer may start
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    if options.stream:
        return stream(PEERS[int(options.stream[0])], options.stream[1])
    scratch = tempfile.mkdtemp(prefix="bench-", dir=options.scratch or out)
    peers = [p for p in PEERS if not options.peer or any(word in p.name for word in options.peer)]
    run = Run(scratch, peers, options.repeats, options.small)
    try:
        for name in options.only or [*workloads.ALL, "grid", "history", "ledger", "onekey", "beside", "commits", "memory"]:
            if name in workloads.ALL:
                run.workload(name)
            else:
                say(f"{name}: measuring")
                getattr(run, name)()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    result = {"schema": "tegula.bench/1", "machine": facts, "seed": workloads.SEED,
              "versions": {p.name: p.version() for p in peers}, "small": options.small,
              "facts": run.facts, "timings": run.timings.json()}
    text = report.markdown(result)
    targets = [out / "latest"] + ([root / "bench" / "results" / options.keep] if options.keep else [])
    for target in targets:
        target.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        target.with_suffix(".md").write_text(text)
    print(text)


main()
