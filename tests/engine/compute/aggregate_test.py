"""Aggregates against brute force: random histories of overwrites, deletes and valid time, nulls, every
type, groups; what is exact stays exact, and what statistics tell is not read.   X4 X16 NH1 NH2"""

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
from engine import (INT64, SPARSE, TABLE, ArrowArray, ArrowSchema, Engine, Range, Refused,  # noqa: E402
                    ScanOptions, Struct, Value)

SEEDS = int(os.environ.get("TEG_SEEDS", "12"))
FUNCTIONS = {"count": 1, "null_count": 2, "sum": 3, "min": 4, "max": 5, "mean": 6}


class Measure(Struct):
    _fields_ = [("function", c.c_int), ("column", c.c_char_p)]


class Stats(Struct):
    _fields_ = [("struct_size", c.c_size_t), ("system_time", c.c_int64)] + [
        (name, c.c_uint64) for name in
        ("segments_seen", "segments_pruned", "tiles_seen", "tiles_pruned_box", "tiles_pruned_attribute",
         "tiles_pruned_time", "tiles_read", "tiles_resolved", "index_pages_read", "index_pages_pruned",
         "reads", "read_bytes", "rows_read", "rows_emitted")]


class Options(Struct):
    _fields_ = [("struct_size", c.c_size_t), ("by", c.c_void_p), ("n_by", c.c_size_t),
                ("memory", c.c_size_t), ("stats", c.c_void_p)]


class Store(Engine):
    def aggregate(self, name, select, by=(), where=None, box=None, memory=0, **scan):
        """Rows as dicts, and the scan's counters."""
        measures = (Measure * len(select))()
        for at, (function, column) in zip(measures, select):
            at.function, at.column = FUNCTIONS.get(function, function), column.encode() if column else None
        names, stats = (c.c_char_p * max(1, len(by)))(*[b.encode() for b in by]), Stats()
        options = Options(by=c.addressof(names), n_by=len(by), memory=memory, stats=c.addressof(stats))
        how, predicate, ranges = ScanOptions(**scan), c.c_void_p(), None
        if where:
            self.call("teg_predicate_parse", where.encode(), None, c.byref(predicate))
            how.predicate = predicate
        if box:
            ranges = (Range * len(box))(*[Range(lo=Value(type=INT64, i=lo), hi=Value(type=INT64, i=hi))
                                          for lo, hi in box])
            how.box = c.addressof(ranges)
        snapshot, array, schema, batch = c.c_void_p(), c.c_void_p(), ArrowSchema(), ArrowArray()
        try:
            self.call("teg_snapshot_open", self.store, c.byref(snapshot))
            self.call("teg_array_open", snapshot, name.encode(), c.byref(array))
            self.call("teg_aggregate", array, measures, c.c_size_t(len(select)), c.byref(options),
                      c.byref(how), c.byref(schema), c.byref(batch))
        finally:
            self.lib.teg_array_close(array)
            self.lib.teg_snapshot_close(snapshot)
            self.lib.teg_predicate_free(predicate)
        got = pa.RecordBatch._import_from_c(c.addressof(batch), c.addressof(schema))
        got.validate(full=True)
        return got, stats

    def write(self, name, columns, types, delete=None, **options):
        txn = self.begin()
        if columns is not None:
            schema = pa.schema([pa.field(n, t, nullable=n not in ("x", "y")) for n, t in types.items()])
            self.put(txn, name, pa.record_batch([pa.array(columns[n], t) for n, t in types.items()],
                                                schema=schema), **options)
        if delete:
            self.delete(txn, name, delete, **options)
        self.commit(txn)


TYPES = {"x": pa.int64(), "y": pa.int64(), "i8": pa.int8(), "i64": pa.int64(), "u64": pa.uint64(),
         "f2": pa.float16(), "f4": pa.float32(), "f8": pa.float64(), "d": pa.decimal128(38, 3),
         "s": pa.string(), "b": pa.bool_(), "t": pa.timestamp("us"), "fb": pa.binary(3)}
ADD = ["i8", "i64", "u64", "f2", "f4", "f8", "d"]


def value(rng, name):
    if rng.random() < 0.15 and name not in ("x", "y"):
        return None
    if name in ("x", "y"):
        return rng.randint(0, 19)
    if name in ("f2", "f4", "f8"):
        v = rng.choice([0.0, -0.0, math.nan, math.inf, 1.5, -2.25, rng.uniform(-9, 9)])
        return np.float16(v) if name == "f2" else float(np.float32(v)) if name == "f4" else v
    return {"i8": lambda: rng.randint(-128, 127), "i64": lambda: rng.randint(-(1 << 55), 1 << 55),
            "u64": lambda: rng.randint(0, 1 << 55), "d": lambda: decimal.Decimal(rng.randint(-10**9, 10**9)) / 1000,
            "s": lambda: rng.choice(["", "a", "ab", "abcdefghi", "abcdefghj", "z\u00e9"]),
            "b": lambda: rng.random() < 0.5, "t": lambda: rng.randint(-10**15, 10**15),
            "fb": lambda: rng.randbytes(3)}[name]()


class Model:
    """Cells by key, each with its valid intervals (one for all of time where there is none)."""

    def __init__(self, valid_time):
        self.valid_time, self.said = valid_time, []

    def say(self, key, row, interval):
        self.said.append((key, row, interval))

    def rows(self, at):
        cells = {}
        for key, row, (lo, hi) in self.said:
            if at is None or (lo or -1 << 62) <= at < (hi or 1 << 62):
                cells[key] = row
        return [row for row in cells.values() if row is not None]


def order(name, v):
    if name in ("f2", "f4", "f8"):
        v = float(v)
        return (1, 0, 0) if math.isnan(v) else (0, v, math.copysign(1, v))
    return v.encode() if isinstance(v, str) else v


def answer(function, name, rows):
    if name is None:
        return len(rows)
    values = [row[name] for row in rows if row[name] is not None]
    if function == "count":
        return len(values)
    if function == "null_count":
        return len(rows) - len(values)
    if not values:
        return None
    if function in ("min", "max"):
        return (min if function == "min" else max)(values, key=lambda v: order(name, v))
    if name in ("f2", "f4", "f8"):
        values = [float(v) for v in values]
        odd = [v for v in values if not math.isfinite(v)]
        total = sum(odd) if odd else math.fsum(values)
        return total / len(values) if function == "mean" else total
    total = sum(values)
    return float(total) / len(values) if function == "mean" else total


class Aggregates(StoreTest):
    Store = Store

    def same(self, got, want, where):
        if isinstance(want, float) and isinstance(got, float) and math.isfinite(want) and where[0] in ("sum", "mean"):
            self.assertTrue(math.isclose(got, want, rel_tol=1e-15, abs_tol=1e-300), (where, got, want))
        else:
            self.assertEqual(bits(got), bits(want), where)

    def check(self, got, select, by, rows):
        self.assertEqual(got.schema.names, list(by) + [f"{f}({n or ''})" for f, n in select])
        groups = {}
        for row in rows:
            groups.setdefault(tuple(bits_of_key(row[b]) for b in by), []).append(row)
        if not by:
            groups = {(): rows}
        order_of = sorted(groups, key=lambda key: [(v is None, 0 if v is None else order(b, v))
                                                   for b, v in zip(by, key)])
        self.assertEqual(got.num_rows, len(order_of))
        columns = [as_python(column) for column in got.columns]
        for at, key in enumerate(order_of):
            self.assertEqual([bits(col[at]) for col in columns[:len(by)]], [bits(v) for v in key])
            for (f, n), column in zip(select, columns[len(by):]):
                self.same(column[at], answer(f, n, groups[key]), (f, n, key))

    def history(self, rng, valid_time):
        dims = [("x", None, None, rng.choice([0, 4])), ("y", None, None, 0)]
        txn = self.store.begin()
        schema = pa.schema([pa.field(n, t, nullable=n not in ("x", "y")) for n, t in TYPES.items()])
        self.store.create(txn, "a", schema, SPARSE, dims, valid_time=valid_time,
                          tile_cells=rng.choice([16, 64, 0]))
        self.store.commit(txn)
        model = Model(valid_time)
        for _ in range(rng.randint(1, 5)):
            options = {}
            if valid_time and rng.random() < 0.7:
                lo = rng.randint(1, 50)
                options = {"valid_from": lo, "valid_until": lo + rng.randint(1, 50)}
            interval = (options.get("valid_from"), options.get("valid_until"))
            keys = {(value(rng, "x"), value(rng, "y")) for _ in range(rng.randint(1, 120))}
            if rng.random() < 0.3:
                keys = sorted(keys)
                for key in keys:
                    model.say(key, None, interval)
                self.store.write("a", None, TYPES, {n: np.array([k[i] for k in keys]) for i, n in
                                                    enumerate(("x", "y"))}, **options)
            else:
                rows = [{n: key[i] if i < 2 else value(rng, n) for i, n in enumerate(TYPES)} for key in keys]
                for row in rows:
                    model.say((row["x"], row["y"]), row, interval)
                self.store.write("a", {n: [row[n] for row in rows] for n in TYPES}, TYPES, **options)
            if rng.random() < 0.2:
                self.store.compact()
        return model

    def test_random_histories(self):  # X4 NH1
        for seed in range(SEEDS):
            rng = random.Random(seed)
            with self.subTest(seed=seed):
                valid_time = rng.random() < 0.4
                self.tearDown()
                self.setUp()
                model = self.history(rng, valid_time)
                for _ in range(6):
                    self.one_question(rng, model, valid_time)

    def one_question(self, rng, model, valid_time):
        select = [("count", None)] if rng.random() < 0.5 else []
        while not select or rng.random() < 0.7:
            function = rng.choice(["count", "null_count", "min", "max", "sum", "mean"])
            select.append((function, rng.choice(ADD if function in ("sum", "mean") else list(TYPES))))
        by = rng.sample(list(TYPES), rng.choice([0, 0, 1, 1, 2]))
        options, at, keep = {}, None, lambda row: True
        if valid_time:
            at = rng.randint(1, 100)
            options = {"valid_mode": 1, "valid_at": at}
        if rng.random() < 0.4:
            lo = [rng.randint(0, 19), rng.randint(0, 19)]
            hi = [rng.randint(v, 19) for v in lo]
            options["box"] = list(zip(lo, hi))
            keep = lambda row: lo[0] <= row["x"] <= hi[0] and lo[1] <= row["y"] <= hi[1]  # noqa: E731
        if rng.random() < 0.3:
            options["where"], inner = "i8 > 3", keep
            keep = lambda row: inner(row) and row["i8"] is not None and row["i8"] > 3  # noqa: E731
        got, _ = self.store.aggregate("a", select, by, **options)
        self.check(got, select, by, [row for row in model.rows(at) if keep(row)])

    # ---- exactness ----

    def table(self, name, kind, values, **choices):
        txn = self.store.begin()
        schema = pa.schema([pa.field("v", kind)])
        self.store.create(txn, name, schema, TABLE, **choices)
        self.store.put(txn, name, pa.record_batch([pa.array(values, kind)], schema=schema))
        self.store.commit(txn)

    def test_integers_never_pass_through_a_double(self):  # X16
        self.table("i", pa.int64(), [(1 << 53) + 1] * 3 + [None])
        got, _ = self.store.aggregate("i", [("sum", "v"), ("min", "v"), ("mean", "v")])
        self.assertEqual(got.to_pylist()[0]["sum(v)"], 3 * (1 << 53) + 3)
        self.assertEqual(got.schema.field(0).type, pa.int64())
        self.assertEqual(got.to_pylist()[0]["min(v)"], (1 << 53) + 1)
        self.table("u", pa.uint64(), [(1 << 64) - 1])
        got, _ = self.store.aggregate("u", [("sum", "v"), ("max", "v")])
        self.assertEqual(got.to_pylist()[0], {"sum(v)": (1 << 64) - 1, "max(v)": (1 << 64) - 1})
        self.table("back", pa.int64(), [(1 << 63) - 1, (1 << 63) - 1, -(1 << 63), -5])
        got, _ = self.store.aggregate("back", [("sum", "v")])
        self.assertEqual(got.to_pylist()[0]["sum(v)"], (1 << 63) - 7)

    def test_a_sum_that_does_not_fit_says_so(self):  # X16
        big = decimal.Decimal("9" * 38)
        for name, kind, values in (("i", pa.int64(), [(1 << 63) - 1, 1]), ("u", pa.uint64(), [(1 << 64) - 1, 1]),
                                   ("d", pa.decimal128(38, 0), [big, 1])):
            self.table(name, kind, values)
            with self.assertRaisesRegex(Refused, "sum of column v overflows"):
                self.store.aggregate(name, [("sum", "v")])

    def test_float_sums_are_compensated(self):
        self.table("f", pa.float64(), [1e16] + [1.0] * 10000 + [-1e16])
        got, _ = self.store.aggregate("f", [("sum", "v")])
        self.assertEqual(got.to_pylist()[0]["sum(v)"], 10000.0)
        self.table("o", pa.float64(), [math.inf, 1.0])
        got, _ = self.store.aggregate("o", [("sum", "v"), ("mean", "v")])
        self.assertEqual(got.to_pylist()[0], {"sum(v)": math.inf, "mean(v)": math.inf})

    # ---- statistics ----

    def test_what_statistics_tell_is_not_read(self):  # NH2
        n = 50000
        self.table("t", pa.int64(), list(range(n)), tile_cells=1000)
        for compact in (False, True):
            select = [("count", None), ("count", "v"), ("null_count", "v"), ("min", "v"), ("max", "v")]
            got, stats = self.store.aggregate("t", select)
            self.assertEqual(list(got.to_pylist()[0].values()), [n, n, 0, 0, n - 1])
            self.assertEqual((stats.tiles_read, stats.rows_read), (0, 0))
            got, stats = self.store.aggregate("t", select, box=[(1500, 3499)])
            self.assertEqual(list(got.to_pylist()[0].values()), [2000, 2000, 0, 1500, 3499])
            self.assertEqual(stats.tiles_read, 2)
            got, stats = self.store.aggregate("t", [("sum", "v")])
            self.assertEqual(stats.tiles_read, 50)
            self.store.compact()

    def test_an_update_and_a_delete_are_resolved(self):  # X4
        txn = self.store.begin()
        schema = pa.schema([pa.field("x", pa.int64(), nullable=False), pa.field("v", pa.int64())])
        self.store.create(txn, "a", schema, SPARSE, [("x", None, None, 0)])
        self.store.commit(txn)
        types = {"x": pa.int64(), "v": pa.int64()}
        self.store.write("a", {"x": [1, 2, 3], "v": [10, 20, 30]}, types)
        self.store.write("a", {"x": [2], "v": [None]}, types)
        self.store.write("a", None, types, {"x": np.array([3])})
        for _ in range(2):
            got, _ = self.store.aggregate("a", [("count", None), ("count", "v"), ("max", "v"), ("sum", "v")])
            self.assertEqual(list(got.to_pylist()[0].values()), [2, 1, 10, 10])
            self.store.compact()

    # ---- refusals ----

    def test_nonsense_is_refused(self):
        self.history(random.Random(5), True)
        self.table("t", pa.string(), ["a"])
        cases = [("a", [("count", None)], {}, "needs a valid_at"), ("t", [("sum", "v")], {}, "cannot be utf8"),
                 ("t", [("count", "w")], {}, "no column 'w'"), ("t", [("count", None)], {"limit": 1}, "no columns, limit"),
                 ("t", [("sum", None)], {}, "needs a column"), ("t", [(77, "v")], {}, "unknown function"),
                 ("t", [("count", None)], {"by": ["w"]}, "no column 'w'"),
                 ("t", [("count", None)], {"by": ["v"] * 17}, "at most 16")]
        for name, select, options, why in cases:
            with self.subTest(why=why), self.assertRaisesRegex(Refused, why):
                self.store.aggregate(name, select, **options)

    def test_groups_keep_to_their_memory(self):
        self.table("t", pa.int64(), list(range(50000)))
        got, _ = self.store.aggregate("t", [("count", None)], ["v"])
        self.assertEqual(got.num_rows, 50000)
        with self.assertRaisesRegex(Refused, "groups need more than the 100000 bytes"):
            self.store.aggregate("t", [("count", None)], ["v"], memory=100000)


def bits_of_key(v):
    """Keys of groups: one NaN, one zero."""
    if isinstance(v, (float, np.floating)):
        return NAN if math.isnan(v) else float(v) + 0.0
    return v


NAN = math.nan


def as_python(column):
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return [v.item() if isinstance(v, np.generic) else v for v in column.to_pylist()]


if __name__ == "__main__":
    unittest.main()
