"""A second reader of Tegula stores, written from format-spec/ alone.

It shares no code with the engine and is made to be read beside the specification: every check names
the sentence that asks for it. It reads whole stores into memory, knows no index but to verify it,
and resolves by brute force; it is here to prove the specification, not to be fast.

    python3 -m reader STORE            (from format-spec/, or with it in PYTHONPATH)

Needs numpy, zstandard, xxhash and msgpack.
"""

from .bytes import Damaged, Unsupported
from .resolve import current_rows, pieces, stored_rows
from .store import Store

__all__ = ["Damaged", "Store", "Unsupported", "current_rows", "pieces", "stored_rows"]
