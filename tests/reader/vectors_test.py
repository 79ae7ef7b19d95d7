"""The golden vectors of format-spec/vectors: both readers give the truth beside them, the writer still
writes the same bytes, and no flipped bit passes for data. V3 X15 NF1"""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from library import ROOT, SHARED, need  # noqa: E402

need("msgpack", "xxhash", "zstandard")
import truth  # noqa: E402
from answers import differences  # noqa: E402
from engine import ALL_VERSIONS, BUILD, Engine, Refused  # noqa: E402
from index_check import check_store  # noqa: E402
from reader import Damaged, Store, Unsupported, current_rows, stored_rows  # noqa: E402
from reader.chunk import ZSTD, decode, parse_descriptor  # noqa: E402

VECTORS = ROOT / "format-spec" / "vectors"
CHUNKS = sorted(path.stem for path in (VECTORS / "chunks").glob("*.chunk"))
STORES = sorted(path.stem for path in (VECTORS / "stores").glob("*.json"))
FLIPS = int(os.environ.get("READER_FLIPS", 12))  # of each vector
STEP = int(os.environ.get("READER_STEP", 6))  # bytes from one flip to the next where lists are


def split_chunk(data):
    """Descriptor and chunk of a .chunk file."""
    end = 4 + int.from_bytes(data[:4], "little")
    return data[4:end], data[end:]


def read_chunk(data):
    descriptor, chunk = split_chunk(data)
    d = parse_descriptor(descriptor)
    return d, decode(d, chunk)


def hexes(column):
    """Values as the truth has them."""
    if column.values.dtype != object:
        raw = [column.values[i].tobytes() for i in range(len(column.values))]
    else:
        raw = column.values
    return [value.hex() if ok else None for value, ok in zip(raw, column.valid)]


def copy_store(name, folder):
    """A golden store where it can be written; empty directories are not kept under version control."""
    path = pathlib.Path(folder) / name
    shutil.copytree(VECTORS / "stores" / name, path)
    for empty in ("segments", "pins"):
        (path / empty).mkdir(exist_ok=True)
    return path


def chunk_truth(name):
    return json.loads((VECTORS / "chunks" / f"{name}.json").read_text())


class Chunks(unittest.TestCase):
    def test_values(self):
        for name in CHUNKS:
            want = chunk_truth(name)
            d, column = read_chunk((VECTORS / "chunks" / f"{name}.chunk").read_bytes())
            self.assertEqual((d.encoding, d.klass, d.width),
                             (want["encoding"], want["class"], want["width"]), name)
            self.assertEqual(hexes(column), want["values"], name)

    def test_every_encoding_is_there(self):
        self.assertEqual({chunk_truth(name)["encoding"] for name in CHUNKS}, set(range(8)))

    def test_flipped_bits(self):
        """In a page they are refused; the hash of a descriptor is in the index of its segment, so
        here it may mean something else, but it does not confuse the reader."""
        choose = random.Random(1)
        for name in CHUNKS:
            data = (VECTORS / "chunks" / f"{name}.chunk").read_bytes()
            pages = 4 + len(split_chunk(data)[0])
            for _ in range(FLIPS):
                at = choose.randrange(4, len(data))
                bad = bytearray(data)
                bad[at] ^= 1 << choose.randrange(8)
                try:
                    read_chunk(bytes(bad))
                    self.assertLess(at, pages, f"{name}: byte {at} of {len(data)}")
                except (Damaged, Unsupported):
                    pass


class Stores(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(dir=SHARED)
        self.addCleanup(self.folder.cleanup)

    def test_rows_and_answers(self):
        for name in STORES:
            path = copy_store(name, self.folder.name)
            store = Store(path)
            said = json.loads((VECTORS / "stores" / f"{name}.json").read_text())
            self.assertEqual({s["array"] for s in said["said"]}, set(store.arrays), name)
            for array in store.arrays.values():
                self.check_array(array, truth.read(said, array), name)
            engine = Engine(path)
            self.assertEqual(list(differences(engine, store)), [], name)
            self.assertGreater(check_store(store), 0, name)
            engine.close()

    def test_batches_outlive_the_store(self):
        """What a scan gave is whole after its store is closed."""
        engine = Engine(copy_store("cells", self.folder.name))
        table = engine.scan("cells", mode=ALL_VERSIONS)
        before = repr(table.to_pydict())
        engine.close()
        self.assertEqual(repr(table.to_pydict()), before)
        del table  # gives the memory back to an allocator that must still be there

    def check_array(self, array, said, name):
        rows = [(r.key, tuple(r.values.values()), r.system_from, r.valid_from, r.valid_until, r.kind)
                for r in array.rows]
        self.assertEqual(truth.stored(said), truth.collections.Counter(rows), name)
        want = truth.current(said, array.schema.repeated)
        self.assertEqual(truth.cut(current_rows(array), said), want, name)

    def test_two_levels_of_index(self):
        segment, = Store(copy_store("levels", self.folder.name)).arrays["levels"].segments
        self.assertEqual(segment[1].levels, 2)

    def test_metadata_of_versions(self):  # REC-7
        told = 0
        for name in STORES:
            want = json.loads((VECTORS / "stores" / f"{name}.json").read_text()).get("versions", {})
            got = {}
            for number, (pairs, redacted) in Store(copy_store(name, self.folder.name + "/told")).versions.items():
                if pairs or redacted:
                    got[str(number)] = redacted or [[a.decode(), b.decode()] for a, b in pairs]
            told += len(want)
            self.assertEqual(got if want else {}, want, name)
        self.assertEqual(told, 3)

    def reader_answer(self, path):
        try:
            store = Store(path)
            return sorted((a.name, row.key, repr(row), until)
                          for a in store.arrays.values() for row, until in stored_rows(a))
        except (Damaged, Unsupported):
            return None

    def engine_answer(self, path, arrays):
        try:
            engine = Engine(path, auto_compact=False)
        except Refused:
            return None
        try:
            return [engine.scan(name, mode=ALL_VERSIONS).to_batches() for name in arrays]
        except Refused:
            return None
        finally:
            engine.close()

    def test_flipped_bits(self):
        """Every file of a store: refused, or the same rows."""
        choose = random.Random(2)
        for name in STORES:
            path = copy_store(name, self.folder.name)
            arrays = list(Store(path).arrays)
            want = self.reader_answer(path), repr(self.engine_answer(path, arrays))
            files = sorted(p for p in path.rglob("*") if p.is_file())
            for _ in range(FLIPS):
                file = choose.choice(files)
                data = file.read_bytes()
                at, bit = choose.randrange(len(data)), 1 << choose.randrange(8)
                file.write_bytes(data[:at] + bytes([data[at] ^ bit]) + data[at + 1:])
                where = f"{name}: {file.name}, byte {at}, bit {bit}"
                self.assertIn(self.reader_answer(path), (None, want[0]), where)
                self.assertIn(repr(self.engine_answer(path, arrays)), ("None", want[1]), where)
                file.write_bytes(data)

    def test_bits_all_over_lists(self):
        """Through the stores with nested attributes, byte by byte: an error or the exact values."""
        choose = random.Random(3)
        for name in [name for name in STORES if name.startswith("nested")]:
            path = copy_store(name, self.folder.name)
            want = repr(self.engine_answer(path, ["nested"]))
            for file in sorted(p for p in path.rglob("*") if p.is_file()):
                data = file.read_bytes()
                for at in range(choose.randrange(STEP), len(data), STEP):
                    bad = bytearray(data)
                    bad[at] ^= 1 << choose.randrange(8)
                    file.write_bytes(bad)
                    where = f"{name}: {file.name}, byte {at}"
                    self.assertIn(repr(self.engine_answer(path, ["nested"])), ("None", want), where)
                file.write_bytes(data)


class Writer(unittest.TestCase):
    """The same calls with the same times give the same bytes as when the vectors were made."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(dir=SHARED)
        subprocess.run([BUILD / "tests" / "vectors_generate", cls.folder.name], check=True)
        cls.made = pathlib.Path(cls.folder.name)
        cls.same_zstd = (cls.made / "zstd").read_text() == (VECTORS / "zstd").read_text()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_no_vector_is_missing(self):
        self.assertEqual(CHUNKS, sorted(path.stem for path in (self.made / "chunks").glob("*.chunk")))
        self.assertEqual(STORES, sorted(path.stem for path in (self.made / "stores").glob("*.json")))

    def test_chunks(self):
        for name in CHUNKS:
            want = (VECTORS / "chunks" / f"{name}.chunk").read_bytes()
            got = (self.made / "chunks" / f"{name}.chunk").read_bytes()
            if parse_descriptor(split_chunk(want)[0]).flags & ZSTD and not self.same_zstd:
                continue
            self.assertEqual(got, want, name)

    def test_truth(self):
        for path in sorted(VECTORS.rglob("*.json")):
            self.assertEqual((self.made / path.relative_to(VECTORS)).read_text(), path.read_text(), path)

    def segments(self, path):
        """Of each array the bytes of its segments, merged ones among them."""
        store = Store(path)
        return {array.name: [store.segment_bytes(reference) for reference, *_ in array.segments]
                for array in store.arrays.values()}

    def test_segments(self):
        for name in STORES:
            want = self.segments(copy_store(name, self.made / "chunks"))
            self.assertEqual(self.segments(self.made / "stores" / name), want, name)


if __name__ == "__main__":
    unittest.main()
