#!/usr/bin/env python3
"""Random schemas with random data, lists and structs in each other, through every way in and out:
Arrow in -> scan -> compaction -> scan -> take, and for some of them Parquet out and in. What comes back
has the same types and the same bits: NaN payloads, -0.0, null, [] and [null] told apart.

V1 V2 V3 B16 H1 (bits), X19 (lengths). Arguments: schemas to try, the first seed.
"""

import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "reader"))
import engine  # noqa: E402

FLOATS = {pa.float16(): ("<e", [0x7C01, 0x7E55, 0x8000, 0x0001, 0x7C00, 0xFC00, 0x7BFF, 0x3C00]),
          pa.float32(): ("<f", [0x7F800001, 0x7FC12345, 0x80000000, 1, 0x7F800000, 0xFF800000,
                                0x7F7FFFFF, 0x3F8CCCCD]),
          pa.float64(): ("<d", [0x7FF0000000000001, 0x7FF8000000ABCDEF, 1 << 63, 1, 0x7FF0 << 48,
                                0xFFF0 << 48, 0x7FEFFFFFFFFFFFFF, 0x3FF199999999999A])}
INTEGERS = {pa.int8(): 8, pa.int16(): 16, pa.int32(): 32, pa.int64(): 64, pa.date32(): 32,
            pa.timestamp("us"): 64, pa.timestamp("ns", "UTC"): 64, pa.duration("ms"): 64}
UNSIGNED = {pa.uint8(): 8, pa.uint16(): 16, pa.uint32(): 32, pa.uint64(): 64}
OTHERS = [pa.bool_(), pa.utf8(), pa.large_utf8(), pa.binary(), pa.binary(3), pa.decimal128(20, 4)]


def leaf(rng):
    return rng.choice([*FLOATS, *INTEGERS, *UNSIGNED, *OTHERS])


def random_type(rng, depth):
    kind = rng.choice(["leaf", "list", "large", "fixed", "struct"]) if depth > 1 else "leaf"
    if kind == "leaf":
        return leaf(rng)
    if kind == "struct":
        return pa.struct([pa.field(f"f{i}", random_type(rng, depth - 1), rng.random() < 0.7)
                          for i in range(rng.randint(1, 3))])
    child = pa.field("item", random_type(rng, depth - 1), rng.random() < 0.7)
    if kind == "fixed":
        return pa.list_(child, rng.choice([0, 1, 2, 4, 70]))
    return pa.list_(child) if kind == "list" else pa.large_list(child)


def validity(rng, n, nullable):
    if not nullable or rng.random() < 0.3:
        return None
    return np.array([rng.random() < 0.7 for _ in range(n)], dtype=bool)


def bits(mask):
    return None if mask is None else pa.py_buffer(np.packbits(mask, bitorder="little").tobytes())


def random_values(rng, kind, n):
    """Raw bytes of n fixed-width values, junk under nulls included."""
    if kind in FLOATS:
        width = pa.types.is_float16(kind) and 2 or kind.bit_width // 8
        picks = [rng.choice(FLOATS[kind][1]) if rng.random() < 0.5 else rng.getrandbits(8 * width)
                 for _ in range(n)]
        return b"".join(p.to_bytes(width, "little") for p in picks)
    if kind in INTEGERS or kind in UNSIGNED:
        width = (INTEGERS.get(kind) or UNSIGNED[kind]) // 8
        small = rng.random() < 0.5
        picks = [rng.randint(0, 90) if small else rng.getrandbits(8 * width) for _ in range(n)]
        return b"".join(p.to_bytes(width, "little") for p in picks)
    if pa.types.is_decimal(kind):
        return b"".join(rng.randint(-10**19, 10**19).to_bytes(16, "little", signed=True)
                        for _ in range(n))
    return bytes(rng.getrandbits(8) for _ in range(n * kind.byte_width))


def random_array(rng, kind, n, nullable):
    mask = validity(rng, n, nullable)
    if pa.types.is_struct(kind):
        children = [random_array(rng, f.type, n, f.nullable) for f in kind]
        return pa.Array.from_buffers(kind, n, [bits(mask)], children=children)
    if pa.types.is_fixed_size_list(kind):
        child = random_array(rng, kind.value_type, n * kind.list_size, kind.value_field.nullable)
        return pa.Array.from_buffers(kind, n, [bits(mask)], children=[child])
    large = pa.types.is_large_list(kind) or pa.types.is_large_string(kind)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        start = rng.choice([0, 0, 3])
        lens = [rng.choice([0, 0, 1, 1, 2, 5]) for _ in range(n)]
        offsets = np.cumsum([start, *lens]).astype(np.int64 if large else np.int32)
        child = random_array(rng, kind.value_type, int(offsets[-1]), kind.value_field.nullable)
        return pa.Array.from_buffers(kind, n, [bits(mask), pa.py_buffer(offsets.tobytes())],
                                     children=[child])
    if pa.types.is_boolean(kind):
        values = np.array([rng.random() < 0.5 for _ in range(n)], dtype=bool)
        return pa.Array.from_buffers(kind, n, [bits(mask), bits(values)])
    if pa.types.is_binary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = [rng.choice(["", "a", "Zürich", "x" * 40]).encode() for _ in range(n)]
        offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64 if large else np.int32)
        return pa.Array.from_buffers(kind, n, [bits(mask), pa.py_buffer(offsets.tobytes()),
                                               pa.py_buffer(b"".join(texts))])
    return pa.Array.from_buffers(kind, n, [bits(mask), pa.py_buffer(random_values(rng, kind, n))])


def required_tidy(array, field):
    """Whether no required part has nulls in rows that are there: random_array sees to it."""
    return field.nullable or array.null_count == 0


def raw(array):
    """Nested lists of raw bytes, None for null: what must come back."""
    valid = [True] * len(array) if array.null_count == 0 else array.is_valid().to_pylist()
    kind = array.type
    if pa.types.is_struct(kind):
        parts = [raw(array.field(i) if array.offset == 0 else array.flatten()[i])
                 for i in range(kind.num_fields)]
        return [tuple(p[i] for p in parts) if valid[i] else None for i in range(len(array))]
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        child = raw(array.values.slice(array.offset * size, len(array) * size))
        return [child[i * size:(i + 1) * size] if valid[i] else None for i in range(len(array))]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        offsets = array.offsets.to_numpy()
        child = raw(array.values)
        return [child[offsets[i]:offsets[i + 1]] if valid[i] else None for i in range(len(array))]
    if pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind) or \
            (pa.types.is_binary(kind) and not pa.types.is_fixed_size_binary(kind)):
        return array.to_pylist()
    width = 2 if pa.types.is_float16(kind) else kind.bit_width // 8
    data = array.buffers()[1].to_pybytes() if len(array) else b""
    return [data[(array.offset + i) * width:(array.offset + i + 1) * width] if valid[i] else None
            for i in range(len(array))]


def plain(kind):
    """The type as it comes out: the large forms are the same to us."""
    if pa.types.is_large_string(kind):
        return pa.utf8()
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, plain(f.type), f.nullable) for f in kind])
    if pa.types.is_fixed_size_list(kind):
        f = kind.value_field
        return pa.list_(pa.field(f.name, plain(f.type), f.nullable), kind.list_size)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        f = kind.value_field
        return pa.list_(pa.field(f.name, plain(f.type), f.nullable))
    return kind


def check(table, schema, wanted, what):
    for field in schema:
        column = table.column(field.name)
        assert column.type == plain(field.type), f"{what}: {field} came back as {column.type}"
        have = [v for chunk in column.chunks for v in raw(chunk)]
        for chunk in column.chunks:
            chunk.validate(full=True)
        assert have == wanted[field.name], f"{what}: {field} differs\n{have}\n{wanted[field.name]}"


def random_schema(rng):
    return pa.schema([pa.field(f"c{i}", random_type(rng, 4), rng.random() < 0.7)
                      for i in range(rng.randint(1, 3))])


def try_one(seed, folder, parquet):
    rng = random.Random(seed)
    schema = random_schema(rng)
    store = engine.Engine(folder / "store", auto_compact=False)
    kind = engine.TABLE
    wanted = {f.name: [] for f in schema}
    try:
        txn = store.begin()
        store.create(txn, "t", schema, kind, tile_cells=rng.choice([0, 7, 16]),
                     profile=rng.randrange(3))
        for _ in range(rng.randint(1, 3)):
            n, cut = rng.randint(1, 40), rng.choice([0, 0, 3])
            batch = pa.record_batch([random_array(rng, f.type, n + cut, f.nullable) for f in schema],
                                    schema=schema).slice(cut)
            store.put(txn, "t", batch)
            store.commit(txn)
            for f in schema:
                wanted[f.name] += raw(batch.column(f.name))
            txn = store.begin()
        store.lib.teg_txn_abort(txn)
        check(store.scan("t"), schema, wanted, f"seed {seed}, scan")
        store.compact()
        check(store.scan("t"), schema, wanted, f"seed {seed}, compacted")
        check(store.scan("t", batch_rows=5), schema, wanted, f"seed {seed}, small batches")
    finally:
        store.close()
    if parquet:
        through_parquet(folder, schema, wanted, seed)


def tilectl(*words):
    tool = engine.BUILD / "tilectl"
    done = subprocess.run([str(tool), *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, f"tilectl {words}: {done.stderr}"


def through_parquet(folder, schema, wanted, seed):
    tilectl("export", folder / "store", folder / "t.parquet", "--array", "t")
    tilectl("import", folder / "t.parquet", folder / "again", "--array", "t")
    store = engine.Engine(folder / "again")
    try:
        check(store.scan("t"), schema, wanted, f"seed {seed}, Parquet")
    finally:
        store.close()


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 80
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    every = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    for seed in range(first, first + count):
        with tempfile.TemporaryDirectory() as folder:
            try_one(seed, pathlib.Path(folder), every and seed % every == 0)
    print(f"{count} schemas")


if __name__ == "__main__":
    main()
