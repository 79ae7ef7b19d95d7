"""What the Python tests that load the library share. Importing it skips the program (77) under sanitizers,
whose runtime cannot be loaded into a Python that lacks it, and where numpy, pyarrow or another package is
missing that `need` names; it lets the program import from tests/reader (engine) and format-spec (reader)."""
import math
import os
import pathlib
import sys
import tempfile
import unittest

from needs import need

if os.environ.get("TEG_SANITIZE"):
    sys.exit(77)
need("numpy", "pyarrow")
import numpy as np  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "format-spec"), str(ROOT / "tests" / "reader")]
SHARED = "/dev/shm" if os.path.isdir("/dev/shm") else None  # for tests that need no disk


def bits(v):
    """A value as it is to be compared: each NaN alike, the two zeros not."""
    if isinstance(v, (float, np.floating)):
        return ("nan",) if math.isnan(v) else (float(v), math.copysign(1, v))
    return v


class StoreTest(unittest.TestCase):
    """Each test begins with an empty store, of the subclass's `Store`, in a folder that goes with it."""

    Store, options = None, {"auto_compact": False}

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.store = self.Store(self.folder.name + "/s", **self.options)

    def tearDown(self):
        self.store.close()
        self.folder.cleanup()
