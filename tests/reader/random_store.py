"""Stores with all three kinds of array and every type, made by random calls."""

import datetime
import decimal

import numpy as np
import pyarrow as pa

from engine import DENSE, INT32, INT64, OF_COMMIT, OPEN_END, OPEN_START, SPARSE, TABLE, PutOptions

TYPES = {
    "bool": pa.bool_(), "i8": pa.int8(), "i16": pa.int16(), "i32": pa.int32(), "i64": pa.int64(),
    "u8": pa.uint8(), "u16": pa.uint16(), "u32": pa.uint32(), "u64": pa.uint64(),
    "f16": pa.float16(), "f32": pa.float32(), "f64": pa.float64(), "dec": pa.decimal128(20, 2),
    "date": pa.date32(), "seconds": pa.timestamp("s"), "micros": pa.timestamp("us", "UTC"),
    "nanos": pa.timestamp("ns", "Europe/Berlin"), "span": pa.duration("ms"), "text": pa.string(),
    "bytes": pa.binary(), "fixed": pa.binary(3),
}
POINT = pa.struct([pa.field("at", pa.list_(pa.field("item", pa.float32(), False), 2)),
                   pa.field("tags", pa.list_(pa.string()))])
NESTED = {
    "list": pa.list_(pa.int64()), "lists": pa.list_(pa.field("row", pa.list_(pa.float64()), False)),
    "pair": pa.list_(pa.int16(), 2), "none": pa.list_(pa.int8(), 0), "point": POINT,
    "points": pa.list_(POINT), "vector": pa.list_(pa.field("item", pa.float32(), False), 70),
    "decimals": pa.list_(pa.decimal128(20, 2)),
}
SIDE = 6
VALID_FROM, VALID_UNTIL = pa.field("valid_from", pa.int64()), pa.field("valid_until", pa.int64())


def spec_of_dims(names, kind):
    return [pa.field(name, kind, nullable=False) for name in names]


class World:
    """Random commits into an engine; time counts up by itself."""

    def __init__(self, engine, seed):
        self.engine, self.rng, self.time = engine, np.random.default_rng(seed), 1000
        self.n_rows = self.n_nested = 0
        self.types = pa.schema([pa.field(name, kind) for name, kind in TYPES.items()])
        self.value = [pa.field("value", pa.float64()), pa.field("note", pa.string(), nullable=False)]
        self.small = dict(tile_cells=7) if seed % 2 else {}
        self.create()

    def create(self):
        txn, e = self.engine.begin(self.tick()), self.engine
        roles = PutOptions(valid_from_column=b"valid_from", valid_until_column=b"valid_until")
        plane = spec_of_dims("xy", pa.int32())
        e.create(txn, "table", self.types, TABLE, **self.small)
        e.create(txn, "sparse", pa.schema(plane + self.value + [VALID_FROM, VALID_UNTIL]), SPARSE,
                 [("x", None, None, 0), ("y", -2, 40, 0)], roles, valid_time=True, **self.small)
        e.create(txn, "nested", pa.schema([pa.field("n", pa.int64(), False), *NESTED.items()]), TABLE,
                 profile=len(self.small), **self.small)
        e.create(txn, "names", pa.schema([pa.field("k", pa.string(), nullable=False)] + self.value), SPARSE,
                 [("k", None, None, 0)], cell_order=2, **self.small)
        e.create(txn, "events", pa.schema(plane + self.value), SPARSE,
                 [("x", None, None, 4), ("y", None, None, 0)], cells=1, **self.small)
        e.create(txn, "dense", pa.schema(plane + self.value), DENSE,
                 [("x", 0, SIDE - 1, 4), ("y", 0, SIDE - 1, 3)], cell_order=1 + len(self.small))
        e.commit(txn)

    def tick(self):
        self.time += int(self.rng.integers(1, 50))
        return self.time

    # ---- values ----

    def one(self, kind, nullable=True):
        r = self.rng
        if nullable and r.random() < 0.2:
            return None
        if pa.types.is_struct(kind):
            return {f.name: self.one(f.type, f.nullable) for f in kind}
        if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
            n = kind.list_size if pa.types.is_fixed_size_list(kind) else int(r.choice([0, 1, 3]))
            return [self.one(kind.value_type, kind.value_field.nullable) for _ in range(n)]
        if pa.types.is_boolean(kind):
            return bool(r.integers(2))
        if pa.types.is_string(kind):
            return str(r.choice(["", "a", "JFK", "a longer text than eight bytes", "é☃"]))
        if pa.types.is_fixed_size_binary(kind):
            return bytes(r.integers(0, 256, kind.byte_width, dtype=np.uint8))
        if pa.types.is_binary(kind):
            return bytes(r.integers(0, 256, r.integers(0, 12), dtype=np.uint8))
        if pa.types.is_decimal(kind):
            return decimal.Decimal(int(r.integers(-10**15, 10**15))).scaleb(-2)
        if pa.types.is_date(kind):
            return datetime.date(2000, 1, 1) + datetime.timedelta(int(r.integers(-9000, 9000)))
        if pa.types.is_floating(kind):
            return float(r.choice([0.1, -0.0, np.nan, np.inf, 1.5, -2.25, round(float(r.normal()), 2)]))
        low, high = (-100, 100) if not pa.types.is_unsigned_integer(kind) else (0, 200)
        return int(r.integers(low, high))

    def column(self, kind, n):
        values = [self.one(kind) for _ in range(n)]
        if pa.types.is_floating(kind):
            mask = np.array([v is None for v in values])
            numbers = np.array([v or 0 for v in values], kind.to_pandas_dtype())
            return pa.array(numbers, kind, mask=mask)
        return pa.array(values, kind)

    def values(self, n):
        notes = pa.array([self.one(pa.string()) or "-" for _ in range(n)])
        return {"value": self.column(pa.float64(), n), "note": notes}

    def plane(self, n, low=0, high=SIDE):
        return {k: pa.array(self.rng.integers(low, high, n).astype(np.int32)) for k in "xy"}

    def interval(self):
        start = int(self.rng.integers(-20, 20)) if self.rng.random() < 0.7 else OPEN_START
        until = max(start, -20) + int(self.rng.integers(1, 20)) if self.rng.random() < 0.6 else OPEN_END
        return start, until

    # ---- calls ----

    def put_table(self, txn):
        n = int(self.rng.integers(1, 30))
        batch = pa.RecordBatch.from_pydict({k: self.column(t, n) for k, t in TYPES.items()}, self.types)
        self.engine.put(txn, "table", batch)
        self.n_rows += n

    def put_nested(self, txn):
        """Updates too, and at times the first column alone."""
        n, known = int(self.rng.integers(1, 15)), self.known_nested
        columns = {"n": pa.array(self.rng.integers(0, 9, n))}
        options = dict(fill_missing=True)
        if self.rng.random() < 0.8:
            columns |= {k: self.column(t, n) for k, t in NESTED.items()}
        if known and self.rng.random() < 0.3:
            columns["row_id"] = pa.array(self.rng.integers(0, known, n))
            options["row_id_column"] = b"row_id"
        else:
            self.n_nested += n
        self.engine.put(txn, "nested", pa.RecordBatch.from_pydict(columns), **options)

    def delete_nested(self, txn):
        if self.known_nested:
            ids = self.rng.integers(0, self.known_nested, 2)
            self.engine.delete(txn, "nested", {"row_id": ids})

    def update_table(self, txn):
        n = int(self.rng.integers(1, 6))
        ids = pa.array(self.rng.integers(0, self.known, n))
        columns = {"row_id": ids} | {k: self.column(t, n) for k, t in TYPES.items()}
        self.engine.put(txn, "table", pa.RecordBatch.from_pydict(columns), row_id_column=b"row_id")

    def put_sparse(self, txn):
        n = int(self.rng.integers(1, 20))
        columns = self.plane(n) | self.values(n)
        ends = [self.interval() for _ in range(n)]
        start = pa.array([None if a == OPEN_START else a for a, _ in ends], pa.int64())
        until = pa.array([None if b == OPEN_END else b for _, b in ends], pa.int64())
        columns |= {"valid_from": start, "valid_until": until}
        self.engine.put(txn, "sparse", pa.RecordBatch.from_pydict(columns),
                        valid_from_column=b"valid_from", valid_until_column=b"valid_until")

    def put_from_commit(self, txn):
        """From the commit's own time on: no other interval of these cells in the same commit."""
        columns = self.plane(9) | self.values(9)
        self.engine.put(txn, "sparse", pa.RecordBatch.from_pydict(columns), valid_from=OF_COMMIT,
                        valid_until=OPEN_END)

    def put_names(self, txn):
        n = int(self.rng.integers(1, 20))
        keys = [str(self.rng.choice(["", "a", "a long key of text ", "a long k", "zebra"])) +
                "0" * int(self.rng.integers(0, 4)) for _ in range(n)]
        self.engine.put(txn, "names", pa.RecordBatch.from_pydict({"k": pa.array(keys)} | self.values(n)))

    def put_cells(self, name):
        def put(txn):
            n = int(self.rng.integers(1, 20))
            self.engine.put(txn, name, pa.RecordBatch.from_pydict(self.plane(n) | self.values(n)))
        return put

    def fill_dense(self, txn):
        x, y = np.divmod(np.arange(SIDE * SIDE, dtype=np.int32), SIDE)
        columns = {"x": pa.array(x), "y": pa.array(y)} | self.values(SIDE * SIDE)
        self.engine.put(txn, "dense", pa.RecordBatch.from_pydict(columns))

    def delete_cells(self, name):
        def delete(txn):
            keys = {k: v.to_numpy() for k, v in self.plane(3).items()}
            start, until = self.interval() if name == "sparse" else (0, 0)
            self.engine.delete(txn, name, keys, valid_from=start, valid_until=until)
        return delete

    def delete_rows(self, txn):
        self.engine.delete(txn, "table", {"row_id": self.rng.integers(0, self.known, 2)})

    def delete_box(self, name):
        def delete(txn):
            sides = [sorted(self.rng.integers(0, SIDE, 2).tolist()) for _ in range(2)]
            start, until = self.interval() if name == "sparse" else (0, 0)
            self.engine.delete_box(txn, name, INT32, sides, valid_from=start, valid_until=until)
        return delete

    def delete_row_range(self, txn):
        ends = sorted(self.rng.integers(0, self.known, 2).tolist())
        self.engine.delete_box(txn, "table", INT64, [ends])

    def commit(self):
        """One to five calls; rows that the commit itself appends cannot be named yet."""
        self.known, self.known_nested = self.n_rows, self.n_nested
        calls = [self.put_table, self.put_nested, self.put_nested, self.delete_nested, self.put_sparse, self.put_sparse, self.put_names, self.put_cells("events"),
                 self.put_cells("dense"), self.fill_dense]
        calls += [self.delete_cells(name) for name in ("sparse", "events", "dense")]
        calls += [self.delete_box(name) for name in ("sparse", "events", "dense")]
        if self.known:
            calls += [self.update_table, self.delete_rows, self.delete_row_range]
        txn = self.engine.begin(self.tick())
        chosen = self.rng.choice(len(calls), self.rng.integers(1, 6))
        for call in [calls[at] for at in chosen] if self.rng.random() < 0.9 else [self.put_from_commit]:
            call(txn)
        self.engine.commit(txn)
