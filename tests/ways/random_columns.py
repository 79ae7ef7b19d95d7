"""Random types with random values, lists and structs in each other, for the tests of this folder, and what
of a column must come back: its canonical form, in which two columns are the same where their bits are."""
import numpy as np
import pyarrow as pa

FLOATS = {pa.float16(): [0x7C01, 0x7E55, 0xFE55, 0x8000, 0x0001, 0x7C00, 0xFC00, 0x7BFF],
          pa.float32(): [0x7F800001, 0x7FC12345, 0xFFC12345, 0x80000000, 1, 0x7F800000, 0xFF800000, 0x7F7FFFFF],
          pa.float64(): [0x7FF0000000000001, 0x7FF8000000ABCDEF, 0xFFF8000000ABCDEF, 1 << 63, 1, 0x7FF0 << 48,
                         0xFFF0 << 48, 0x7FEFFFFFFFFFFFFF]}
INTEGERS = [t() for t in (pa.int8, pa.int16, pa.int32, pa.int64, pa.uint8, pa.uint16, pa.uint32, pa.uint64)]
TIMES = [pa.date32(), *(make(unit) for make in (pa.timestamp, pa.duration) for unit in ("s", "ms", "us", "ns")),
         pa.timestamp("us", "UTC"), pa.timestamp("s", "UTC"), pa.timestamp("ns", "Europe/Berlin")]
DECIMALS = [pa.decimal128(20, 4), pa.decimal128(38, 0), pa.decimal128(3, 1)]
TEXTS = [pa.utf8(), pa.large_utf8(), pa.binary(), pa.large_binary()]
LEAVES = [*FLOATS, *INTEGERS, *TIMES, *DECIMALS, *TEXTS, pa.bool_(), pa.binary(3), pa.binary(1)]


def random_type(rng, depth):
    """At most `depth` types in each other."""
    kind = rng.choice(["leaf", "list", "large", "fixed", "struct"]) if depth > 1 else "leaf"
    if kind == "leaf":
        return LEAVES[rng.integers(len(LEAVES))]
    if kind == "struct":
        return pa.struct([pa.field(f"f{i}", random_type(rng, depth - 1), bool(rng.random() < 0.7))
                          for i in range(rng.integers(1, 4))])
    child = pa.field("element", random_type(rng, depth - 1), bool(rng.random() < 0.7))
    if kind == "fixed":
        return pa.list_(child, int(rng.choice([0, 1, 2, 4, 70] if depth > 3 else [0, 1, 2, 4])))
    return pa.list_(child) if kind == "list" else pa.large_list(child)


# ---- values ----

def bitmap(mask):
    return None if mask is None else pa.py_buffer(np.packbits(mask, bitorder="little").tobytes())


def integers(rng, n, width, signed):
    """Few and close, or all bits, or the ends."""
    how, bits = rng.integers(3), 8 * width
    if how == 0:
        return rng.integers(0, 90, n).astype(f"<u{width}")
    words = np.frombuffer(rng.bytes(n * width), f"<u{width}").copy()
    ends = [0, (1 << bits) - 1, 1 << bits - 1, (1 << bits - 1) - 1]
    if how == 2:
        words[:] = rng.choice(np.array(ends, f"<u{width}"), n)
    return words


def fixed(rng, kind, n):
    """The bytes of n values of one width."""
    if kind in FLOATS:
        width = kind.bit_width // 8
        words = np.frombuffer(rng.bytes(n * width), f"<u{width}").copy()
        odd = rng.random(n) < 0.5
        words[odd] = rng.choice(np.array(FLOATS[kind], f"<u{width}"), int(odd.sum()))
        if rng.random() < 0.3:  # what decimals and integers become is encoded otherwise
            words = (rng.integers(-10**4, 10**4, n) / 100).astype(f"<f{width}").view(f"<u{width}")
        return words.tobytes()
    if pa.types.is_decimal(kind):
        top = 10**kind.precision - 1
        picks = [int(rng.choice([0, 1, 2])) for _ in range(n)]
        return b"".join((top, -top, int(rng.integers(-90, 90)))[p].to_bytes(16, "little", signed=True) for p in picks)
    if pa.types.is_timestamp(kind) and kind.unit == "s":  # Parquet has milliseconds only
        return rng.integers(-9 * 10**15, 9 * 10**15, n).tobytes()
    if pa.types.is_fixed_size_binary(kind):
        return rng.bytes(n * kind.byte_width)
    return integers(rng, n, kind.bit_width // 8, pa.types.is_signed_integer(kind)).tobytes()


def lengths(rng, n):
    return rng.choice([0, 0, 1, 1, 2, 5], n)


def offsets(lens, start, large):
    return np.cumsum([start, *lens]).astype(np.int64 if large else np.int32)


def random_array(rng, kind, n, nullable):
    """Junk lies under nulls, and lists may begin anywhere in their child."""
    mask = rng.random(n) < 0.7 if nullable and rng.random() < 0.7 else None
    is_large = pa.types.is_large_list(kind) or pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
    if pa.types.is_struct(kind):
        children = [random_array(rng, f.type, n, f.nullable) for f in kind]
        return pa.Array.from_buffers(kind, n, [bitmap(mask)], children=children)
    if pa.types.is_fixed_size_list(kind):
        child = random_array(rng, kind.value_type, n * kind.list_size, kind.value_field.nullable)
        return pa.Array.from_buffers(kind, n, [bitmap(mask)], children=[child])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        ends = offsets(lengths(rng, n), rng.choice([0, 0, 3]), is_large)
        child = random_array(rng, kind.value_type, int(ends[-1]), kind.value_field.nullable)
        return pa.Array.from_buffers(kind, n, [bitmap(mask), pa.py_buffer(ends.tobytes())], children=[child])
    if pa.types.is_boolean(kind):
        return pa.Array.from_buffers(kind, n, [bitmap(mask), bitmap(rng.random(n) < 0.5)])
    if kind in TEXTS:
        words = ["", "a", "Zürich", "x" * 40, "\0", "null"]
        texts = [words[i].encode() for i in rng.integers(0, len(words), n)]
        ends = offsets([len(t) for t in texts], 0, is_large)
        return pa.Array.from_buffers(kind, n, [bitmap(mask), pa.py_buffer(ends.tobytes()),
                                               pa.py_buffer(b"".join(texts))])
    return pa.Array.from_buffers(kind, n, [bitmap(mask), pa.py_buffer(fixed(rng, kind, n))])


# ---- what must come back ----

def plain(kind):
    """The type as it comes out: 64-bit offsets are a form of ours alone."""
    large = {pa.large_utf8(): pa.utf8(), pa.large_binary(): pa.binary()}
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, plain(f.type), f.nullable) for f in kind])
    if pa.types.is_fixed_size_list(kind):
        f = kind.value_field
        return pa.list_(pa.field(f.name, plain(f.type), f.nullable), kind.list_size)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        f = kind.value_field
        return pa.list_(pa.field(f.name, plain(f.type), f.nullable))
    return large.get(kind, kind)


def _leaf(array):
    kind = array.type
    if pa.types.is_boolean(kind) or kind in TEXTS:
        return array.to_pylist()
    width = kind.bit_width // 8
    raw = array.buffers()[1].to_pybytes() if len(array) else b""
    return raw[array.offset * width:(array.offset + len(array)) * width]


def canonical(array):
    """Validity, then what is there without the slots of nulls, all the way down."""
    valid = array.is_valid()
    there = array if array.null_count == 0 else array.filter(valid)
    kind, said = array.type, [valid.to_numpy(zero_copy_only=False).tobytes()]
    if pa.types.is_struct(kind):
        return said + [canonical(child) for child in there.flatten()]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lens = np.diff(there.offsets.to_numpy()).astype(np.int64)
        return said + [lens.tobytes(), canonical(there.flatten())]
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        return said + [canonical(there.values.slice(there.offset * size, len(there) * size))]
    return said + [_leaf(there)]


def same(column, wanted, nullable=True):
    """Whether a chunked column has the type and bits of an array."""
    if column.type != plain(wanted.type):
        return False
    parts = [part for part in column.chunks if len(part)] or [pa.array([], column.type)]
    return canonical(pa.concat_arrays(parts)) == canonical(wanted)
