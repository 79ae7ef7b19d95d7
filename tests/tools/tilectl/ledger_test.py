"""A ledger goes in by parts; a run that is killed between them, or in one, goes on when it is run again
with its key, and every row is there once.                                                  B12 X10"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TILECTL = os.environ["TEG_TILECTL"]
try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    sys.exit(77)
if not os.access(TILECTL, os.X_OK) or "true" not in subprocess.run(
        [TILECTL, "version", "--format", "csv"], capture_output=True, text=True).stdout.split("\n")[1]:
    sys.exit(77)

N, KEYS, PART = 12000, 900, 1000
ROLES = ["--array", "a", "--dims", "x", "--system-time", "system_from", "--row-kind", "row_kind"]


def table(rng):
    """Rows with few times, so that parts end between rows of one; each key once at a time."""
    at = sorted(rng.sample(range(KEYS * (N // 8)), N))
    times, keys = [a // KEYS + 1 for a in at], [a % KEYS for a in at]
    kinds = [rng.random() < 0.1 for _ in at]
    return pa.table({"x": pa.array(keys, pa.int32()),
                     "v": pa.array([None if k else i for i, k in enumerate(kinds)], pa.int64()),
                     "system_from": pa.array(times, pa.int64()),
                     "row_kind": pa.array([int(k) for k in kinds], pa.uint8())})


class Ledger(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        rng = random.Random(7)
        rows = table(rng)
        order = list(range(N))
        rng.shuffle(order)
        pq.write_table(rows, self.path / "ascends.parquet", row_group_size=700)
        pq.write_table(rows.take(order), self.path / "shuffled.parquet", row_group_size=700)
        self.run_ok("import", "ascends.parquet", "whole", *ROLES)
        self.whole = self.export("whole")

    def tearDown(self):
        self.folder.cleanup()

    def command(self, *words):
        return [TILECTL, *words]

    def run_ok(self, *words):
        done = subprocess.run(self.command(*words), cwd=self.path, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def export(self, store):
        self.run_ok("export", store, f"{store}.out.parquet", "--array", "a", "--all-versions")
        return (self.path / f"{store}.out.parquet").read_bytes()

    def parts(self, store):
        lines = self.run_ok("history", store, "--format", "ndjson").splitlines()
        found = [pair["value"] for line in lines for pair in json.loads(line)["metadata"]
                 if pair["key"] == "ledger_part"]
        return [int(part.split(" of ")[0]) for part in found][::-1], int(found[0].split(" of ")[1])

    def killed_import(self, words, store, versions):
        """Kills it when so many versions are there."""
        process = subprocess.Popen(self.command(*words), cwd=self.path, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        manifests = self.path / store / "manifests"
        while process.poll() is None:
            if manifests.is_dir() and len(list(manifests.glob("0*"))) >= versions:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.0005)
        return process.wait()

    def check(self, source, store, versions):
        words = ["import", source, store, *ROLES, "--part-rows", str(PART), "--key", "loader:3"]
        killed = 0
        while self.killed_import(words, store, versions + killed) != 0:
            killed += 1
            self.assertLess(killed, 60)
        got, n = self.parts(store)
        self.assertEqual(got, list(range(1, n + 1)))
        self.assertGreater(n, 8)
        self.assertEqual(self.export(store), self.whole)
        again = json.loads(self.run_ok(*words, "--format", "ndjson"))
        self.assertTrue(again["repeated"])
        self.assertEqual(self.parts(store), (got, n))
        return killed

    def test_killed_again_and_again(self):
        for source in ("ascends", "shuffled"):
            for versions in (2, 5, 9):
                killed = self.check(f"{source}.parquet", f"{source}{versions}", versions)
                self.assertGreater(killed, 0, "nothing was killed: the test proves nothing")

    def test_without_a_key_nothing_goes_on(self):
        words = ["import", "shuffled.parquet", "cut", *ROLES, "--part-rows", str(PART)]
        self.assertNotEqual(self.killed_import(words, "cut", 4), 0)
        for also, why in (([], "exists already"), (["--append"], "is not after the array's last")):
            done = subprocess.run(self.command(*[w for w in words if w not in ("--dims", "x")], *also)
                                  if also else self.command(*words), cwd=self.path,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr)

    def test_another_key_is_another_import(self):
        words = ["import", "shuffled.parquet", "whole", *ROLES, "--part-rows", str(PART)]
        done = subprocess.run(self.command(*words, "--key", "other:1"), cwd=self.path,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("exists already", done.stderr)


if __name__ == "__main__":
    unittest.main()
