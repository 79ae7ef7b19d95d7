"""The second reader against the engine: what one writes, the other reads. V3 NF1 X4"""

import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from library import SHARED, need  # noqa: E402

need("msgpack", "xxhash", "zstandard")
import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
from answers import differences  # noqa: E402
from engine import TABLE, Engine  # noqa: E402
from index_check import check_store  # noqa: E402
from random_store import World  # noqa: E402
from reader import Store  # noqa: E402


class Agreement(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(dir=SHARED)
        self.path = pathlib.Path(self.folder.name) / "store"

    def tearDown(self):
        self.folder.cleanup()

    def check(self, engine):
        store = Store(self.path)
        self.assertEqual(list(differences(engine, store)), [])
        self.assertGreater(check_store(store), 0)
        return store

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

    def test_large_table(self):
        """Segments in files of their own, columns of many pages, every profile."""
        n, rng = 9000, np.random.default_rng(5)
        texts = [f"{i % 977} of the text of a row {i}" for i in range(n)]
        columns = {
            "noise": rng.integers(-2**62, 2**62, n), "small": rng.integers(0, 100, n).astype(np.int16),
            "steps": np.cumsum(rng.integers(0, 9, n)), "prices": rng.integers(0, 10**6, n) / 100,
            "walk": np.cumsum(rng.normal(size=n)), "few": rng.choice([1.5, -0.0, np.nan], n),
            "runs": np.repeat(np.arange(n // 100), 100).astype(np.uint32), "same": np.full(n, 7, np.int8),
        }
        holes = rng.random(n) < 0.01
        batch = pa.RecordBatch.from_pydict(
            {k: pa.array(v) for k, v in columns.items()} |
            {"text": pa.array(texts), "carrier": pa.array([f"carrier {i % 13}" for i in range(n)]),
             "holes": pa.array(rng.integers(0, 9, n), mask=holes)})
        engine = Engine(self.path, auto_compact=False)
        for profile, name in enumerate(("balanced", "fast", "small")):
            txn = engine.begin(1000 + profile)
            engine.create(txn, name, batch.schema, TABLE, profile=profile)
            engine.put(txn, name, batch)
            engine.commit(txn)
        store = self.check(engine)
        self.assertEqual(len(list((self.path / "segments").iterdir())), 3)
        self.assertEqual(sum(len(array.rows) for array in store.arrays.values()), 3 * n)
        engine.close()


for _seed in range(int(os.environ.get("READER_SEEDS", 4))):
    setattr(Agreement, f"test_random_store_{_seed}", lambda self, seed=_seed: self.random_store(seed))


if __name__ == "__main__":
    unittest.main()
