"""One key with a million versions, beside a few others: what a read of one point touches, how a read of
all of its time grows, and what a merge leaves on disk.                                     DESIGN 5"""

import itertools
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import unittest

TILECTL = os.environ["TEG_TILECTL"]
try:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    sys.exit(77)
if os.environ.get("TEG_SANITIZE") or not os.access(TILECTL, os.X_OK) or "true" not in subprocess.run(
        [TILECTL, "version", "--format", "csv"], capture_output=True, text=True).stdout.split("\n")[1]:
    sys.exit(77)

N = int(os.environ.get("TEG_VERSIONS", "1000000"))
ROLES = ["--dims", "x", "--system-time", "t", "--valid-from", "f", "--valid-until", "u"]
OPEN = np.iinfo(np.int64).max


def open_ended(n, i):
    """Each holds from its own time on."""
    return 10 * i, np.full(n, OPEN)


def readings(n, i):
    """Short intervals, one after the other."""
    return 10 * i, 10 * i + 10


def backdated(n, i):
    """Each is about the time before all that was said so far."""
    return 10 * (n - i), 10 * (n - i) + 15


class OneKey(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def tilectl(self, *words):
        """What it prints, and the seconds of CPU that it took."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([TILECTL, *words], cwd=self.path, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def write(self, name, shape, n):
        i = np.arange(n, dtype=np.int64)
        start, end = shape(n, i)
        until = pa.array(end, mask=end == OPEN)
        x = np.full(n, 5, np.int32)
        x[:4] = [1, 3, 7, 9]
        self.values = np.random.default_rng(1).integers(0, OPEN, n)
        pq.write_table(pa.table({"x": x, "v": self.values, "t": i + 1, "f": start, "u": until}),
                       self.path / f"{name}.parquet")

    def store(self, name, parts=None):
        words = ["--part-rows", str(parts)] if parts else []
        store = name + ("-parts" if parts else "")
        self.tilectl("import", f"{name}.parquet", store, "--array", "a", *ROLES, *words)
        self.tilectl("compact", store)
        self.tilectl("vacuum", store, "--grace", "0")
        return store

    def explained(self, store, *words):
        return json.loads(self.tilectl("explain", store, "--array", "a", "--format", "ndjson", *words)[0])

    def check_point(self, store, shape, n, at, seen, times):
        """The right version, out of two tiles at most; of their columns no more than a page or two each."""
        point = ["--box", "x=5", "--valid-at", str(at), "--as-of", str(seen)] + ["--times"] * times
        plan = self.explained(store, *point, "--run")
        self.assertLessEqual(int(plan["tiles_read"]), 2, (shape.__name__, n, point, plan))
        self.assertLessEqual(int(plan["pages_read"]), 16, (shape.__name__, n, point, plan))
        i = np.arange(4, seen)
        start, end = (column[4:seen] for column in shape(n, np.arange(n)))
        answers = i[(start <= at) & (at < end)]
        want = [str(self.values[answers[-1]])] if len(answers) else []
        rows = self.tilectl("cat", store, "--array", "a", *point, "--format", "csv")[0].split()[1:]
        self.assertEqual([row.split(",")[1] for row in rows], want, (shape.__name__, n, point))

    def bytes_of(self, store):
        return sum(f.stat().st_size for f in (self.path / store).rglob("*") if f.is_file())

    def test_reads(self):
        for shape in (open_ended, readings, backdated):
            took = {}
            for n in (N // 8, N):
                self.write("one", shape, n)
                store = self.store("one")
                points = (n // 3 * 10 + 5, n // 9 * 70 + 1, 45)
                for words in itertools.product(points, (n, n // 2, n // 5), (False, True)):
                    self.check_point(store, shape, n, *words)
                out, cpu = self.tilectl("cat", store, "--array", "a", "--box", "x=5", "--valid-range", ":",
                                        "--columns", "v", "--format", "csv")
                took[n] = cpu
                self.assertEqual(len(out.splitlines()), n - 4 + 1, shape.__name__)
                subprocess.run(["rm", "-rf", str(self.path / store)], check=True)
            ratio = took[N] / max(took[N // 8], 0.1)
            print(f"{shape.__name__}: {took[N // 8]:.2f} s, then {took[N]:.2f} s of CPU", file=sys.stderr)
            self.assertLess(ratio, 8 ** 1.2 * 1.3, shape.__name__)

    def test_a_merge_leaves_no_more_than_a_load(self):
        self.write("many", open_ended, N // 2)
        whole, parts = self.store("many"), self.store("many", N // 40)
        ratio = self.bytes_of(parts) / self.bytes_of(whole)
        print(f"{self.bytes_of(parts)} bytes after a merge of 20 commits, {self.bytes_of(whole)} of one load",
              file=sys.stderr)
        self.assertLessEqual(ratio, 1.1)


if __name__ == "__main__":
    unittest.main()
