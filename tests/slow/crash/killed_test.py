"""tilectl erase --now, compact, vacuum and alter --retain, killed at random moments and run again, beside
an oracle: what is read is what was or what was wanted, at every version that can be read; what was
erased is nowhere in any file once the command has gone through. NF4 X7 X8 S8"""

import csv
import io
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

TILECTL = os.environ.get("TEG_TILECTL", "")
if not os.access(TILECTL, os.X_OK):
    sys.exit(77)  # it is not built
ROUNDS = int(os.environ.get("KILLED_ROUNDS", 120))
SEED = int(os.environ.get("KILLED_SEED", 1))
ROWS = 3000
ERASE, COMPACT, VACUUM, RETAIN, PUT = range(5)
OLDEST = 4  # versions back that are read again
NOTHING = None


class Oracle:
    """What each version of the store answers: x -> name. Erased keys answer nothing at any version."""

    def __init__(self):
        self.versions = {}  # version -> rows
        self.erased = set()
        self.horizon = 0  # no version before this one need be readable

    def now(self):
        return self.versions[max(self.versions)]

    def at(self, version, erased=()):
        gone = self.erased | set(erased)
        return {x: name for x, name in self.versions[version].items() if x not in gone}


class Killed(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.store = self.path / "store"
        self.random = random.Random(SEED)
        self.oracle = Oracle()
        self.next_x = 0
        self.kills = 0

    def tearDown(self):
        self.folder.cleanup()

    # ---- commands ----

    def words(self, *words):
        command, *rest = words
        return [TILECTL, command, str(self.store), *rest]

    def tilectl(self, *words, codes=(0,)):
        done = subprocess.run(self.words(*words), capture_output=True, text=True, timeout=300)
        self.assertIn(done.returncode, codes, f"{words}: {done.stderr}")
        return done

    def killed(self, *words):
        """Runs the command and kills it at some moment. True where it had ended before."""
        process = subprocess.Popen(self.words(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.random.random() ** 2 * 0.2)
        process.send_signal(signal.SIGKILL)
        code = process.wait()
        self.assertIn(code, (0, -signal.SIGKILL), words)
        self.kills += code != 0
        return code == 0

    # ---- puts ----

    def name_of(self, x):
        return f"NEEDLE-{x:08d}-{random.Random(x).getrandbits(80):020x}"

    def put(self):
        """New keys, and new names of some old ones that were not erased."""
        rows = {}
        for _ in range(ROWS):
            rows[self.next_x] = self.name_of(self.next_x)
            self.next_x += 1
        old = list(self.oracle.at(max(self.oracle.versions)) if self.oracle.versions else [])
        for x in self.random.sample(old, min(len(old), 300)):
            rows[x] = self.name_of(x) + f"-{len(self.oracle.versions)}"
        file = self.path / "rows.csv"
        with open(file, "w", newline="", encoding="ascii") as out:
            csv.writer(out).writerows([("x", "name"), *rows.items()])
        how = ["--append"] if self.oracle.versions else ["--create", "--dims", "x"]
        done = subprocess.run([TILECTL, "import", file, self.store, "--array", "a", *how, "--format", "json"],
                              capture_output=True, text=True, check=True)
        before = self.oracle.now() if self.oracle.versions else {}
        self.oracle.versions[int(json.loads(done.stdout)["version"])] = before | rows

    # ---- looking ----

    def read(self, *words):
        """Rows, or NOTHING where the version is beyond the horizon."""
        done = self.tilectl("cat", "--array", "a", "--format", "csv", *words, codes=(0, 1))
        if done.returncode:
            self.assertIn("horizon", done.stderr)
            return NOTHING
        return {int(row["x"]): row["name"] for row in csv.DictReader(io.StringIO(done.stdout))}

    def check(self, where, pending=(), retains=False):
        """`pending`: keys that may have been erased or not, all or none. `retains`: history may be gone."""
        newest = max(self.oracle.versions)
        allowed = [self.oracle.at(newest), self.oracle.at(newest, pending)]
        got = self.read()
        self.assertIn(got, allowed, where)
        new = got == allowed[1]
        for version in sorted(self.oracle.versions)[-OLDEST:-1]:
            got = self.read("--version", str(version))
            if got is NOTHING:
                self.assertTrue(retains or version < self.oracle.horizon, f"{where}: version {version}")
            else:
                self.assertEqual(got, self.oracle.at(version, pending if new else ()), f"{where}: version {version}")

    def check_files(self, where):
        """Nothing damaged, nothing superfluous, nothing missing."""
        self.assertIn(" 0 damaged", self.tilectl("verify", "--deep").stdout, where)
        self.tilectl("vacuum", "--grace", "0")
        listed = json.loads(self.tilectl("segments", "--array", "a", "--format", "json").stdout)["segments"]
        wanted = {s["object"] for s in listed if not s["inlined"]}
        self.assertEqual(wanted, {p.name for p in (self.store / "segments").iterdir()}, where)
        self.assertEqual([], [p.name for p in (self.store / "manifests").iterdir() if ".tmp" in p.name], where)

    def is_anywhere(self, needle):
        return any(needle in p.read_bytes() for p in self.store.rglob("*") if p.is_file())

    # ---- the rounds ----

    def round_erase(self, where):
        keys = self.random.sample(sorted(self.oracle.at(max(self.oracle.versions))), 3)
        forget = ["--forget"] if self.random.random() < 0.5 else []
        which = ",".join(map(str, keys))
        words = ["erase", "--array", "a", "--where", f"x in ({which})", "--now", *forget]
        self.killed(*words)
        self.check(where, pending=keys)
        receipt = self.path / "receipt"
        receipt.write_text(self.tilectl(*words, "--wait", "60s").stdout, encoding="utf-8")
        self.oracle.erased |= set(keys)
        self.check(where)
        needles = [self.name_of(x) for x in keys]
        for needle in needles:
            self.assertFalse(self.is_anywhere(needle.encode()), f"{where}: {needle}")
        options = [word for needle in needles for word in ("--needle", needle)]
        proof = self.tilectl("proof", str(receipt), *options, "--format", "json")
        self.assertTrue(json.loads(proof.stdout)["proven"], where)

    def round_upkeep(self, where, *words):
        self.killed(*words)
        self.check(where)
        self.tilectl(*words)
        self.check(where)

    def round_retain(self, where):
        duration = self.random.choice(["0", "1s", "keep"])
        retain = ["alter", "--array", "a", "--retain", duration]
        self.killed(*retain)
        self.check(where)
        self.tilectl(*retain)
        self.killed("compact")
        self.check(where, retains=True)
        self.tilectl("compact")
        self.check(where, retains=True)
        self.tilectl("alter", "--array", "a", "--retain", "keep")
        self.oracle.horizon = max(self.oracle.versions) + 1  # an erasure may have come after that one

    def test_killed(self):
        for _ in range(3):
            self.put()
        for i in range(ROUNDS):
            kind = self.random.randrange(5)
            where = f"seed {SEED}, round {i}, kind {kind}"
            if kind == ERASE:
                self.round_erase(where)
            elif kind == COMPACT:
                self.round_upkeep(where, "compact")
            elif kind == VACUUM:
                self.round_upkeep(where, "vacuum", "--grace", "0")
            elif kind == RETAIN:
                self.round_retain(where)
            else:
                self.put()
            if i % 5 == 4:
                self.check_files(where)
        self.assertGreater(self.kills, ROUNDS // 4)
        print(f"{ROUNDS} rounds, {self.kills} kills, {len(self.oracle.erased)} keys erased", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
