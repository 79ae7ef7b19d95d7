"""Elementwise add, subtract, multiply and divide of two arrays by key against brute force: random
histories, kinds of arrays, types, tiles and memory; what is exact stays exact.      X3 X4 X16 NH1"""

import ctypes as c
import decimal
import math
import os
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from library import StoreTest, bits  # noqa: E402
import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
from engine import (AS_OF, DENSE, INT32, INT64, SPARSE, TABLE, ArrowStream, Engine, Range,  # noqa: E402
                    Refused, ScanOptions, Struct, Value)

SEEDS = int(os.environ.get("TEG_SEEDS", "16"))
SIGNS = "+-*/"


class Term(Struct):
    _fields_ = [("op", c.c_int), ("left", c.c_char_p), ("right", c.c_char_p), ("name", c.c_char_p)]


class Options(Struct):
    _fields_ = [("struct_size", c.c_size_t), ("left", c.c_void_p), ("right", c.c_void_p),
                ("both", c.c_bool), ("memory", c.c_size_t)]


def boxed(box, kind=INT64):
    return (Range * len(box))(*[Range(lo=Value(type=kind, i=lo), hi=Value(type=kind, i=hi))
                                for lo, hi in box])


class Store(Engine):
    def elementwise(self, left, right, terms, both=False, memory=0, of_left=None, of_right=None,
                    stream=None):
        """terms: ("a", "+", "b") or ("a", "+", "b", name). A pyarrow table, or the stream is filled."""
        made = (Term * len(terms))()
        for at, (a, sign, b, *name) in zip(made, terms):
            at.op, at.left, at.right = SIGNS.find(sign) + 1, a.encode(), b.encode()
            at.name = name[0].encode() if name else None
        sides = [ScanOptions(**(how or {})) for how in (of_left, of_right)]
        options = Options(left=c.addressof(sides[0]), right=c.addressof(sides[1]), both=both, memory=memory)
        arrays, out = [], stream or ArrowStream()
        try:
            arrays = [self.open(left)]
            arrays.append(self.open(right))
            self.call("teg_elementwise", *arrays, made, c.c_size_t(len(terms)), c.byref(options), c.byref(out))
        finally:
            for array in arrays:
                self.lib.teg_array_close(array)
        if stream:
            return None
        try:
            table = pa.RecordBatchReader._import_from_c(c.addressof(out)).read_all()
        except (pa.ArrowException, OSError) as error:
            raise Refused(str(error)) from error
        table.validate(full=True)
        return table

    def put_stream(self, name, stream):
        txn, n = self.begin(), c.c_uint64()
        self.call("teg_txn_put_stream", txn, name.encode(), c.byref(stream), None, c.byref(n))
        self.commit(txn)
        return n.value

    def make(self, name, columns, kind=SPARSE, dims=("x",), domain=None, types=None, **choices):
        """An array of these columns (names to lists), put at once."""
        types = types or {}
        schema = pa.schema([pa.field(n, types.get(n, pa.int64()), nullable=n not in dims) for n in columns])
        txn = self.begin()
        self.create(txn, name, schema, kind,
                    [(d, *(domain or (None, None)), choices.get("extent", 0)) for d in dims],
                    **{k: v for k, v in choices.items() if k != "extent"})
        self.commit(txn)
        self.write(name, columns, schema)

    def write(self, name, columns, schema, **options):
        txn = self.begin()
        batch = pa.record_batch([pa.array(columns[f.name], f.type) for f in schema], schema=schema)
        self.put(txn, name, batch, **options)
        self.commit(txn)


def whole(op, a, b):
    if op == "/":
        return None if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return {"+": a + b, "-": a - b, "*": a * b}[op]


def real(op, a, b, narrow):
    if op == "/" and b == 0:
        return None
    with np.errstate(all="ignore"):
        a, b = np.float64(a), np.float64(b)
        v = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else a}[op]
        return float(np.float32(v)) if narrow else float(v)


class Elementwise(StoreTest):
    Store = Store

    # ---- random histories of two arrays ----

    TYPES = {"i": pa.int32(), "u": pa.uint16(), "f": pa.float32(), "g": pa.float64(), "h": pa.float16()}

    def value(self, rng, name):
        if rng.random() < 0.15:
            return None
        if name in "fgh":
            v = rng.choice([0.0, -0.0, math.nan, math.inf, 1.5, rng.uniform(-9, 9)])
            return {"f": float(np.float32(v)), "g": v, "h": np.float16(v)}[name]
        return rng.randint(0, 9) if name == "u" else rng.randint(-9, 9)

    def one_array(self, rng, name, kind, key_type):
        """Random puts and deletes; the live cells as a dict."""
        dims, live = [("x", 0, 29), ("y", 0, 9)] if kind == DENSE else [("x", None, None), ("y", None, None)], {}
        fields = [pa.field(d, key_type, nullable=False) for d in "xy"]
        fields += [pa.field(n, t) for n, t in self.TYPES.items()]
        schema = pa.schema(fields)
        txn = self.store.begin()
        extent = rng.choice([0, 3, 8]) if key_type in (pa.int32(), pa.int64()) else 0
        self.store.create(txn, name, schema, kind, [(*d, extent) for d in dims],
                          tile_cells=rng.choice([8, 64, 0]), cell_order=rng.choice([0, 1, 2]))
        self.store.commit(txn)
        text = key_type == pa.string()
        key_of = (lambda v: f"station {v:03}") if text else int
        for _ in range(rng.randint(1, 5)):
            keys = sorted({(rng.randint(0, 29), rng.randint(0, 9)) for _ in range(rng.randint(1, 150))},
                          key=lambda k: rng.random())
            if rng.random() < 0.3 and not text:
                txn = self.store.begin()
                at = {d: np.array([k[i] for k in keys], key_type.to_pandas_dtype()) for i, d in enumerate("xy")}
                self.store.delete(txn, name, at)
                self.store.commit(txn)
                for key in keys:
                    live.pop(key, None)
            else:
                rows = [{n: self.value(rng, n) for n in self.TYPES} for _ in keys]
                live.update(zip(keys, rows))
                columns = {d: [key_of(k[i]) for k in keys] for i, d in enumerate("xy")}
                columns.update({n: [row[n] for row in rows] for n in self.TYPES})
                self.store.write(name, columns, schema)
            if rng.random() < 0.3:
                self.store.compact()
        return {tuple(key_of(v) for v in key): row for key, row in live.items()}

    def answer(self, op, a, b, x, y):
        if x is None or y is None:
            return None
        if a in "iu" and b in "iu":
            return whole(op, x, y)
        return real(op, float(x), float(y), a in "fh" and b in "fh")

    def test_random_histories(self):  # X3 X4 NH1
        for seed in range(SEEDS):
            rng = random.Random(seed)
            key_type = rng.choice([pa.int64(), pa.int32(), pa.int32(), pa.string()])
            kinds = [rng.choice([SPARSE, DENSE]) if key_type == pa.int32() else SPARSE for _ in range(2)]
            with self.subTest(seed=seed):
                self.tearDown()
                self.setUp()
                cells = [self.one_array(rng, name, kind, key_type) for name, kind in zip("ab", kinds)]
                for _ in range(5):
                    self.one_question(rng, cells, key_type)

    def one_question(self, rng, cells, key_type):
        terms = [(rng.choice("iufgh"), rng.choice(SIGNS), rng.choice("iufgh")) for _ in range(rng.randint(1, 3))]
        both, how, keep = rng.random() < 0.4, {}, lambda key: True
        if rng.random() < 0.4 and key_type != pa.string():
            ranges = [sorted(rng.randint(0, 29) for _ in range(2)), sorted(rng.randint(0, 9) for _ in range(2))]
            box = boxed(ranges, INT32 if key_type == pa.int32() else INT64)
            how = {"box": c.addressof(box)}
            keep = lambda key: all(lo <= k <= hi for k, (lo, hi) in zip(key, ranges))  # noqa: E731
        names = [f"t{i}" for i in range(len(terms))]
        got = self.store.elementwise("a", "b", [(*t, n) for t, n in zip(terms, names)], both=both,
                                     memory=rng.choice([0, 1]), of_left=how, of_right=how)
        keys = set(cells[0]) & set(cells[1]) if both else set(cells[0]) | set(cells[1])
        want = {}
        for key in filter(keep, keys):
            a, b = cells[0].get(key, {}), cells[1].get(key, {})
            want[key] = [bits(self.answer(op, m, n, a.get(m), b.get(n))) for m, op, n in terms]
        rows = got.to_pylist()
        found = {(row["x"], row["y"]): [bits(row[n]) for n in names] for row in rows}
        self.assertEqual(len(found), len(rows), "keys come once")
        self.assertEqual(found, want)

    # ---- types ----

    def one(self, left_type, left, op, right_type, right):
        self.tearDown()
        self.setUp()
        self.store.make("a", {"x": [1], "v": [left]}, types={"v": left_type})
        self.store.make("b", {"x": [1], "w": [right]}, types={"w": right_type})
        got = self.store.elementwise("a", "b", [("v", op, "w")])
        self.assertEqual(got.schema.names, ["x", f"v {op} w"])
        return got.schema.field(1).type, got.to_pylist()[0][f"v {op} w"]

    def test_results_have_the_type_that_holds_them(self):  # X16
        d = decimal.Decimal
        us, day = pa.duration("us"), 86_400_000_000
        cases = [
            (pa.int64(), (1 << 53) + 1, "+", pa.int64(), 1 << 53, pa.int64(), (1 << 54) + 1),
            (pa.int8(), 127, "+", pa.int8(), 127, pa.int64(), 254),
            (pa.uint8(), 3, "-", pa.uint8(), 5, pa.int64(), -2),
            (pa.uint64(), (1 << 64) - 2, "+", pa.uint8(), 1, pa.uint64(), (1 << 64) - 1),
            (pa.uint64(), (1 << 64) - 1, "/", pa.uint64(), 2, pa.uint64(), (1 << 63) - 1),
            (pa.uint64(), (1 << 64) - 1, "-", pa.uint64(), (1 << 64) - 1, pa.int64(), 0),
            (pa.int64(), -7, "/", pa.int32(), 2, pa.int64(), -3),
            (pa.int64(), 7, "/", pa.int64(), 0, pa.int64(), None),
            (pa.uint64(), 1 << 63, "*", pa.int8(), -1, pa.int64(), -(1 << 63)),
            (pa.float32(), 0.5, "+", pa.float16(), np.float16(0.25), pa.float32(), 0.75),
            (pa.float32(), 16777216.0, "+", pa.float32(), 1.0, pa.float32(), 16777216.0),
            (pa.float32(), 16777216.0, "+", pa.int8(), 1, pa.float64(), 16777217.0),
            (pa.float64(), 0.1, "+", pa.float32(), 0.5, pa.float64(), 0.6),
            (pa.float64(), 1.0, "/", pa.float64(), -0.0, pa.float64(), None),
            (pa.float64(), 0.0, "/", pa.uint32(), 0, pa.float64(), None),
            (pa.decimal128(5, 2), d("1.25"), "+", pa.decimal128(9, 4), d("0.0625"), pa.decimal128(38, 4), d("1.3125")),
            (pa.decimal128(5, 2), d("1.25"), "*", pa.decimal128(9, 4), d("0.5000"), pa.decimal128(38, 6), d("0.625000")),
            (pa.decimal128(5, 2), d("1.25"), "-", pa.int64(), 2, pa.decimal128(38, 2), d("-0.75")),
            (us, day, "-", us, 1, us, None),
            (pa.timestamp("us", "UTC"), day, "-", pa.timestamp("us", "Europe/Bern"), 1, us, None),
            (pa.timestamp("us"), day, "+", us, 1, pa.timestamp("us"), None),
            (us, 1, "+", pa.timestamp("us"), day, pa.timestamp("us"), None),
        ]
        for left_type, left, op, right_type, right, kind, want in cases:
            with self.subTest(case=f"{left_type} {op} {right_type}"):
                got_type, got = self.one(left_type, left, op, right_type, right)
                self.assertEqual(got_type, kind)
                if pa.types.is_temporal(kind):
                    want, got = left + right if op == "+" else left - right, pa.scalar(got, kind).value
                self.assertEqual(got, want)

    def test_what_does_not_fit_says_so(self):  # X16
        big = decimal.Decimal("9" * 38)
        cases = [(pa.int64(), (1 << 63) - 1, "+", pa.int64(), 1), (pa.int64(), -(1 << 63), "-", pa.int64(), 1),
                 (pa.int64(), 1 << 32, "*", pa.int64(), 1 << 31), (pa.int64(), -(1 << 63), "/", pa.int64(), -1),
                 (pa.uint64(), (1 << 64) - 1, "+", pa.uint64(), 1), (pa.uint64(), (1 << 64) - 1, "+", pa.int8(), 0),
                 (pa.uint64(), (1 << 64) - 1, "-", pa.uint64(), 0),
                 (pa.decimal128(38, 0), big, "+", pa.decimal128(38, 0), decimal.Decimal(1)),
                 (pa.decimal128(38, 0), big, "+", pa.decimal128(38, 20), decimal.Decimal(0)),
                 (pa.timestamp("us"), (1 << 63) - 1, "+", pa.duration("us"), 1)]
        for case in cases:
            with self.subTest(case=case), self.assertRaisesRegex(Refused, "v . w overflows"):
                self.one(*case)

    def test_nonsense_is_refused(self):
        cases = [(pa.string(), "a", "+", pa.string(), "b"), (pa.bool_(), True, "+", pa.bool_(), True),
                 (pa.int64(), 1, "+", pa.float64(), 1.0), (pa.float32(), 1.0, "*", pa.uint64(), 1),
                 (pa.timestamp("us"), 1, "+", pa.timestamp("us"), 1), (pa.duration("us"), 1, "-", pa.timestamp("us"), 1),
                 (pa.timestamp("us"), 1, "-", pa.timestamp("ms"), 1), (pa.duration("us"), 1, "*", pa.duration("us"), 1),
                 (pa.timestamp("us"), 1, "-", pa.timestamp("us", "UTC"), 1),
                 (pa.decimal128(5, 2), decimal.Decimal("1.00"), "/", pa.decimal128(5, 2), decimal.Decimal("2.00")),
                 (pa.decimal128(38, 30), decimal.Decimal(1), "*", pa.decimal128(38, 30), decimal.Decimal(1)),
                 (pa.decimal128(5, 2), decimal.Decimal(1), "+", pa.float64(), 1.0)]
        for case in cases:
            with self.subTest(case=case), self.assertRaisesRegex(Refused, "makes no sense for"):
                self.one(*case)

    def test_arrays_that_cannot_be_paired_are_refused(self):
        self.store.make("a", {"x": [1], "v": [1]})
        self.store.make("two", {"x": [1], "y": [1], "v": [1]}, dims=("x", "y"))
        self.store.make("text", {"x": ["1"], "v": [1]}, types={"x": pa.string()})
        self.store.make("again", {"x": [1], "v": [1]}, cells=1)
        self.store.make("valid", {"x": [1], "v": [1]}, valid_time=True)
        term, cases = [("v", "+", "v")], [
            ("a", "two", {}, "1 and 2 dimensions"), ("a", "text", {}, "is int64 in one array and utf8"),
            ("a", "again", {}, "repeated"), ("valid", "a", {}, "needs a valid_at"), ("a", "none", {}, "none"),
            ("a", "a", {"of_left": {"limit": 1}}, "no columns, limit"),
            ("a", "a", {"of_right": {"mode": 3}}, "all versions")]
        for left, right, how, why in cases:
            with self.subTest(right=right, how=how), self.assertRaisesRegex(Refused, why):
                self.store.elementwise(left, right, term, **how)
        for terms, why in (([("w", "+", "v")], "no column 'w'"), ([("v", "+", "w")], "no column 'w'"),
                           ([("v", "?", "v")], "unknown operator"), ([("v", "+", "v", "")], "name of a term")):
            with self.subTest(terms=terms), self.assertRaisesRegex(Refused, why):
                self.store.elementwise("a", "a", terms)

    # ---- what cells there are ----

    def test_a_tombstone_before_a_live_row_shifts_nothing(self):  # X3
        schema = pa.schema([pa.field("x", pa.int64(), nullable=False), pa.field("v", pa.int64())])
        for name in "ab":
            self.store.make(name, {"x": [1, 2, 3, 4], "v": [10, 20, 30, 40]})
            txn = self.store.begin()
            self.store.delete(txn, name, {"x": np.array([1, 3])})
            self.store.put(txn, name, pa.record_batch([pa.array([2, 5]), pa.array([21, 50])], schema=schema))
            self.store.commit(txn)
        for _ in range(2):
            got = self.store.elementwise("a", "b", [("v", "+", "v", "s"), ("v", "-", "v", "d")])
            self.assertEqual(got.to_pydict(), {"x": [2, 4, 5], "s": [42, 80, 100], "d": [0, 0, 0]})
            self.store.compact()

    def test_an_array_against_its_own_past(self):
        schema = pa.schema([pa.field("x", pa.int64(), nullable=False), pa.field("v", pa.int64())])
        self.store.make("a", {"x": [1, 2], "v": [10, 20]})
        was = self.store.scan("a").column("system_from")[0].value
        self.store.write("a", {"x": [2, 3], "v": [25, 30]}, schema)
        got = self.store.elementwise("a", "a", [("v", "-", "v", "d")],
                                     of_right={"mode": AS_OF, "system_time": was})
        self.assertEqual(got.to_pydict(), {"x": [1, 2, 3], "d": [0, 5, None]})
        got = self.store.elementwise("a", "a", [("v", "-", "v", "d")], both=True,
                                     of_right={"mode": AS_OF, "system_time": was})
        self.assertEqual(got.to_pydict(), {"x": [1, 2], "d": [0, 5]})

    def test_tables_are_paired_by_row_id(self):
        for name, values in (("a", [1, 2, 3]), ("b", [10, None])):
            txn = self.store.begin()
            schema = pa.schema([pa.field("v", pa.int64())])
            self.store.create(txn, name, schema, TABLE)
            self.store.put(txn, name, pa.record_batch([pa.array(values, pa.int64())], schema=schema))
            self.store.commit(txn)
        got = self.store.elementwise("a", "b", [("v", "+", "v", "s")])
        self.assertEqual(got.to_pydict(), {"row_id": [0, 1, 2], "s": [11, None, None]})

    def test_the_result_goes_into_an_array(self):
        n = 40_000
        rng = np.random.default_rng(1)
        for name in "ab":
            x = rng.permutation(2 * n)[:n]
            self.store.make(name, {"x": x, "v": rng.integers(-9, 9, n)}, tile_cells=1000)
        self.store.make("c", {"x": [], "s": []})
        stream = ArrowStream()
        self.store.elementwise("a", "b", [("v", "*", "v", "s")], both=True, memory=1 << 18, stream=stream)
        put = self.store.put_stream("c", stream)
        cells = [dict(zip(*(self.store.scan(name).column(i).to_pylist() for i in (0, 1)))) for name in "abc"]
        self.assertEqual(cells[2], {x: v * cells[1][x] for x, v in cells[0].items() if x in cells[1]})
        self.assertEqual(put, len(cells[2]))

    def test_nothing_at_all(self):
        self.store.make("a", {"x": [], "v": []})
        got = self.store.elementwise("a", "a", [("v", "+", "v", "s")])
        self.assertEqual((got.num_rows, got.schema.names), (0, ["x", "s"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
