"""Basic slicing of dense arrays against NumPy: random ranks, shapes, types, tiles, orders, histories,
slices, and buffers in any order.                                                    T3 T4 T9"""

import ctypes as c
import os
import pathlib
import random
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from library import StoreTest  # noqa: E402
import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
from engine import DENSE, INT64, Engine, Range, Refused, Struct, Value  # noqa: E402

SEEDS = int(os.environ.get("TEG_SEEDS", "40"))
RANGE, INDEX, ELLIPSIS = 0, 1, 2
DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "S3"]


class Slice(Struct):
    _fields_ = [("kind", c.c_int), ("has_start", c.c_bool), ("has_stop", c.c_bool),
                ("start", c.c_int64), ("stop", c.c_int64), ("step", c.c_int64)]


class Buffer(Struct):
    _fields_ = [("name", c.c_char_p), ("values", c.c_void_p), ("values_len", c.c_size_t),
                ("strides", c.c_void_p), ("validity", c.c_void_p)]


class ReadOptions(Struct):
    _fields_ = [("struct_size", c.c_size_t), ("mode", c.c_int), ("system_time", c.c_int64),
                ("version", c.c_uint64), ("has_valid_at", c.c_bool), ("valid_at", c.c_int64)]


def buffer_of(name, values, validity=None, strides=None):
    """`values` is where index 0 of every axis lies; the array keeps what it points to alive."""
    steps = (c.c_ssize_t * max(1, values.ndim))(*(strides or values.strides))
    base = values
    while base.base is not None:
        base = base.base
    made = Buffer(name=name.encode(), values=values.ctypes.data, values_len=base.nbytes,
                  strides=c.addressof(steps), validity=validity.ctypes.data if validity is not None else None)
    made.keep = (steps, values, validity)
    return made


def items_of(index):
    made = (Slice * max(1, len(index)))()
    for at, item in zip(made, index):
        if item is Ellipsis:
            at.kind = ELLIPSIS
        elif isinstance(item, slice):
            at.has_start, at.has_stop = item.start is not None, item.stop is not None
            at.start, at.stop, at.step = item.start or 0, item.stop or 0, item.step or 0
        else:
            at.kind, at.start = INDEX, item
    return made


def arrow_type(dtype):
    return pa.binary(3) if dtype.kind == "S" else pa.from_numpy_dtype(dtype)


class Dense(Engine):
    def make(self, name, lows, shape, extents, dtype, **choices):
        dims = [f"d{i}" for i in range(len(shape))]
        field = pa.field("v", arrow_type(dtype), nullable=choices.pop("nullable", False))
        schema = pa.schema([pa.field(dim, pa.int64(), nullable=False) for dim in dims] + [field])
        domains = [(d, lo, lo + n - 1, e) for d, lo, n, e in zip(dims, lows, shape, extents)]
        txn = self.begin()
        self.create(txn, name, schema, DENSE, domains, **choices)
        self.commit(txn)

    def put_box(self, name, lows, values, validity=None):
        box = (Range * max(1, values.ndim))()
        for at, lo, n in zip(box, lows, values.shape):
            at.lo, at.hi = Value(type=INT64, i=lo), Value(type=INT64, i=lo + n - 1)
        txn = self.begin()
        self.call("teg_txn_put_box", txn, name.encode(), box, c.byref(buffer_of("v", values, validity)),
                  c.c_size_t(1), None)
        self.commit(txn)

    def shape(self, array, index):
        n, shape = c.c_size_t(), (c.c_uint64 * 16)()
        self.call("teg_array_shape", array, items_of(index), c.c_size_t(len(index)), c.byref(n), shape)
        return tuple(shape[:n.value])

    def slice(self, array, index, out, validity=None, mask=None, **options):
        read = ReadOptions(**options)
        self.call("teg_read_slice", array, items_of(index), c.c_size_t(len(index)),
                  c.byref(buffer_of("v", out, validity)), c.c_size_t(1),
                  mask.ctypes.data_as(c.c_void_p) if mask is not None else None, c.byref(read))
        return out


def random_values(rng, shape, dtype):
    raw = np.frombuffer(rng.randbytes(int(np.prod(shape)) * dtype.itemsize), dtype)
    if dtype.kind == "?" or dtype.kind == "b":
        raw = np.frombuffer(raw.tobytes(), "u1") % 2 == 1
    if rng.random() < 0.3:
        raw = np.repeat(raw[:1], raw.size)  # constant tiles
    return raw.reshape(shape).copy()


def laid_out(rng, shape, dtype):
    """Empty memory for that shape, in some order, with gaps, or running backwards."""
    if not shape:
        return np.zeros(shape, dtype)
    axes = rng.sample(range(len(shape)), len(shape))
    gaps = [rng.choice([1, 1, 2]) for _ in shape]
    turns = [rng.choice([1, 1, -1]) for _ in shape]
    memory = np.zeros([shape[a] * gaps[a] for a in axes], dtype).transpose(np.argsort(axes))
    return memory[tuple(slice(None, None, gap) for gap in gaps)][tuple(slice(None, None, t) for t in turns)]


def random_index(rng, shape):
    index = []
    for n in shape:
        kind = rng.random()
        if kind < 0.2 and n:
            index.append(rng.randint(-n, n - 1))
        else:
            bound = lambda: rng.choice([None, rng.randint(-n - 3, n + 3)])  # noqa: E731
            index.append(slice(bound(), bound(), rng.choice([None, 1, -1, 2, -2, 3, -5, 7, 100])))
    if rng.random() < 0.3:
        cut = sorted(rng.choices(range(len(index) + 1), k=2))
        index[cut[0]:cut[1]] = [Ellipsis]
    elif rng.random() < 0.3:
        index = index[:rng.randint(0, len(index))]
    return tuple(index)


def same_bits(a, b):
    return a.shape == b.shape and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


class Case:
    """One random array and the truth about it."""

    def __init__(self, store, rng):
        self.rng, self.store = rng, store
        rank = rng.choice([0, 1, 1, 2, 2, 3, 3, 4, 5, 7])
        most = [1, 3000, 60, 16, 8, 5, 3, 3][rank]
        self.dtype = np.dtype(rng.choice(DTYPES))
        self.shape = tuple(rng.choice([rng.randint(1, most), rng.randint(0, most)]) for _ in range(rank))
        self.lows = [rng.choice([0, 0, -7, 1000]) for _ in self.shape]
        extents = [rng.choice([0, rng.randint(1, 7)]) for _ in self.shape]
        store.make("a", self.lows, self.shape, extents, self.dtype, cell_order=rng.choice([0, 2]),
                   tile_order=rng.choice([0, 1, 2, 3, 4]), nullable=True)
        self.values = np.zeros(self.shape, self.dtype)
        self.valid, self.live = np.zeros(self.shape, bool), np.zeros(self.shape, bool)
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            self.put()

    def put(self):
        rng = self.rng
        whole = rng.random() < 0.5
        first = [0 if whole or not n else rng.randint(0, n - 1) for n in self.shape]
        sides = [n if whole or not n else rng.randint(1, n - at) for at, n in zip(first, self.shape)]
        if 0 in sides and not whole:
            return
        part = tuple(slice(at, at + n) for at, n in zip(first, sides))
        given = laid_out(rng, sides, self.dtype)
        given[...] = random_values(rng, sides, self.dtype)
        valid = np.ones(sides, "u1")
        if rng.random() < 0.4:
            bits = np.frombuffer(rng.randbytes(valid.size), "u1") % 3 > 0
            valid = bits.astype("u1").reshape(sides)
        if self.values.size:
            self.store.put_box("a", [lo + at for lo, at in zip(self.lows, first)], given, valid)
        self.values[part], self.valid[part], self.live[part] = given, valid == 1, True

    def check(self, test, array, index):
        picked = tuple(index)
        want, valid, live = self.values[picked], self.valid[picked], self.live[picked]
        want, valid, live = (np.asarray(part) for part in (want, valid, live))
        test.assertEqual(self.store.shape(array, index), want.shape, index)
        out = laid_out(self.rng, want.shape, self.dtype)
        bits, mask = np.full(want.shape, 9, "u1"), np.full(want.shape, 9, "u1")
        self.store.slice(array, index, out, bits, mask)
        test.assertTrue(np.array_equal(mask, live), index)
        test.assertTrue(np.array_equal(bits, valid), index)
        out[~valid] = np.zeros((), self.dtype)  # null slots mean nothing
        want = np.where(valid, want, np.zeros((), self.dtype))
        test.assertTrue(same_bits(out, want), (index, out, want))


    def check_scan(self, test, index):
        """A scan of the slices gives the cells that were written, in an order of its own."""
        items = items_of(index)
        got = self.store.scan("a", slices=c.addressof(items), n_slices=len(index))
        at = np.zeros(got.num_rows, np.int64)
        for d, (lo, n) in enumerate(zip(self.lows, self.shape)):
            at = at * n + got.column(f"d{d}").to_numpy() - lo
        places = np.arange(self.live.size).reshape(self.shape)[index]
        want = np.asarray(places)[np.asarray(self.live[index])]
        test.assertEqual(sorted(at.tolist()), sorted(want.tolist()), index)


class Slices(unittest.TestCase):
    def one(self, seed):
        rng = random.Random(seed)
        with tempfile.TemporaryDirectory() as folder:
            store = Dense(folder + "/s", auto_compact=False)
            case = Case(store, rng)
            for compact in (False, True):
                if compact and rng.random() < 0.5:
                    break
                if compact:
                    store.compact()
                array = store.open("a")
                for _ in range(8):
                    index = random_index(rng, case.shape)
                    with self.subTest(seed=seed, index=index):
                        case.check(self, array, index)
                        if index:
                            case.check_scan(self, index)
                store.lib.teg_array_close(array)
            store.close()

    def test_random_slices_are_numpys(self):  # T3 T4
        for seed in range(SEEDS):
            self.one(seed)


REFUSED = [
    ((0, 0, 0), "3 slices for an array of rank 2"),
    ((Ellipsis, Ellipsis), "one ellipsis"),
    ((5, 0), "outside dimension 'd0'"),
    ((-6, 0), "outside dimension 'd0'"),
    ((slice(None), 4), "outside dimension 'd1'"),
]


class Edges(StoreTest):
    Store, options = Dense, {}

    def test_wrong_slices_are_refused_by_dimension(self):  # T4
        self.store.make("a", [0, 0], [5, 4], [2, 3], np.dtype("i4"))
        array = self.store.open("a")
        for index, why in REFUSED:
            with self.subTest(index=index), self.assertRaisesRegex(Refused, why):
                self.store.slice(array, index, np.zeros(20, "i4"))
        with self.assertRaisesRegex(Refused, "too small"):
            self.store.slice(array, (), np.zeros((5, 4), "i4")[:, :3].copy())
        self.store.lib.teg_array_close(array)

    def test_boxes_of_another_rank_or_outside_are_refused(self):  # T4
        self.store.make("a", [0, 0], [5, 4], [2, 3], np.dtype("i4"))
        with self.assertRaisesRegex(Refused, "not inside the domain"):
            self.store.put_box("a", [3, 0], np.zeros((3, 4), "i4"))
        txn, small = self.store.begin(), buffer_of("v", np.zeros((5, 3), "i4"))
        with self.assertRaisesRegex(Refused, "exceeds"):
            self.store.call("teg_txn_put_box", txn, b"a", (Range * 2)(), c.byref(small), c.c_size_t(1), None)
        self.store.lib.teg_txn_abort(txn)

    def test_shape_needs_no_data(self):  # T9
        self.store.make("a", [0, -5, 7], [10000, 0, 40], [0, 10, 0], np.dtype("f8"))
        array = self.store.open("a")
        self.assertEqual(self.store.shape(array, ()), (10000, 0, 40))
        self.assertEqual(self.store.shape(array, (slice(None, None, -3), Ellipsis, 2)), (3334, 0))
        self.store.lib.teg_array_close(array)

    def test_nan_payloads_and_fill_are_kept(self):
        odd = np.array([0x7ff8dead00000001, 0x7ff0000000000001, 1 << 63, 1], "u8").view("f8")
        self.store.make("a", [0], [6], [4], np.dtype("f8"))
        self.store.put_box("a", [1], odd)
        array = self.store.open("a")
        out = self.store.slice(array, (slice(None, None, -1),), np.empty(6))
        self.assertTrue(same_bits(out[1:5], odd[::-1]))
        self.assertEqual(out[0], 0)
        self.store.lib.teg_array_close(array)


if __name__ == "__main__":
    unittest.main()
