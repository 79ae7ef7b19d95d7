"""The second reader against the engine: what one writes, the other reads. V1 V2 NF1"""

import os
import pathlib
import sys
import tempfile
import unittest

if os.environ.get("TEG_SANITIZE"):
    sys.exit(77)  # a sanitizer's runtime cannot be loaded into a Python that lacks it
try:
    import msgpack  # noqa: F401
    import numpy as np
    import pyarrow as pa
    import xxhash  # noqa: F401
    import zstandard  # noqa: F401
except ImportError:
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "format-spec"), str(ROOT / "tests" / "reader")]
from answers import differences  # noqa: E402
from engine import Engine  # noqa: E402
from random_store import World  # noqa: E402
from reader import Store  # noqa: E402


class Agreement(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name) / "store"

    def tearDown(self):
        self.folder.cleanup()

    def check(self, engine):
        self.assertEqual(list(differences(engine, Store(self.path))), [])

    def random_store(self, seed):
        """Puts, updates, deletes of keys and boxes; merges by the engine's own policy and by hand."""
        engine = Engine(self.path, auto_compact=seed % 3 == 0)
        world = World(engine, seed)
        for _ in range(12):
            world.commit()
        self.check(engine)
        engine.compact(by_policy=seed % 2 == 0)
        world.commit()
        self.check(engine)
        engine.close()


for _seed in range(int(os.environ.get("READER_SEEDS", 4))):
    setattr(Agreement, f"test_random_store_{_seed}", lambda self, seed=_seed: self.random_store(seed))


if __name__ == "__main__":
    unittest.main()
