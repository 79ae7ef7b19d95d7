"""What the index of a segment says of its tiles, derived again from their rows: statistics.md, and the
order of cells: order.md. Written from the specification, as the reader is."""

from reader import lane
from reader.bytes import require
from reader.chunk import BYTES, FLOAT, OFFSETS, OPAQUE, SIGNED, UNSIGNED, WIDE
from reader.tile import (BOX, DENSE, ERASED, EXACT, KIND, LIVE, OPEN_END, OPEN_START, SUPERSEDED, SYSTEM_FROM,
                         TOMBSTONE, VALID_FROM, VALID_UNTIL, coordinates)

ROW, COLUMN, Z, HILBERT = 1, 2, 3, 4
ALL = (1 << 64) - 1
INTEGER_BITS = {2: 8, 3: 16, 4: 32, 6: 8, 7: 16, 8: 32, 14: 32}  # POS-4: types narrower than 64 bits


def lanes_of(column):
    if column.klass in (UNSIGNED, SIGNED, FLOAT):
        return [int(v) for v in lane.of_words(column.values, column.width, column.klass)]
    return [lane.of_bytes(v, column.klass) for v in column.values]


# ---- positions: POS ----

def dim_range(dim):
    if dim.lo is not None:
        return lane.of_value(dim.type, dim.lo), lane.of_value(dim.type, dim.hi)
    bits = INTEGER_BITS.get(dim.type.id)
    if not bits:
        return 0, ALL
    if dim.type.klass == UNSIGNED:
        return 0, (1 << bits) - 1
    return (1 << 63) - (1 << bits - 1), (1 << 63) + (1 << bits - 1) - 1


def scaled(dim, value, grid, dense):
    lo, hi = dim_range(dim)
    at, most = value - lo, hi - lo
    if dense:  # POS-6
        return at // dim.extent
    if grid:  # POS-6
        at, most = (at // dim.extent, most // dim.extent) if dim.extent else (0, 0)
    bits = most.bit_length()
    return at << 64 - bits if bits else 0  # POS-5


def transpose(x):
    """Skilling's transform (POS-11)."""
    x, d, q = list(x), len(x), 1 << 63
    while q > 1:
        for i in range(d):
            if x[i] & q:
                x[0] ^= q - 1
            else:
                t = (x[0] ^ x[i]) & (q - 1)
                x[0], x[i] = x[0] ^ t, x[i] ^ t
        q >>= 1
    for i in range(1, d):
        x[i] ^= x[i - 1]
    t, q = 0, 1 << 63
    while q > 1:
        t ^= q - 1 if x[d - 1] & q else 0
        q >>= 1
    return [v ^ t for v in x]


def curve(order, x):
    if len(x) == 1 or order == ROW:
        return tuple(x)
    if order == COLUMN:
        return tuple(reversed(x))
    x = transpose(x) if order == HILBERT else x
    digits = 0
    for bit in range(63, -1, -1):  # POS-9
        for v in x:
            digits = digits << 1 | v >> bit & 1
    return (digits,)


def position(schema, lanes):
    """As a tuple that compares like the words of POS-2."""
    grid = schema.kind == 3 or any(dim.extent for dim in schema.dims)
    numbers = [scaled(dim, v, grid, schema.kind == 3) for dim, v in zip(schema.dims, lanes)]
    words = curve(schema.tile_order, numbers)
    if not grid:
        return words
    return words + tuple(lanes if schema.cell_order == ROW else reversed(lanes))  # POS-12


# ---- one tile ----

def keys_of(schema, footer, entry, tile):
    """Lanes of every row, and what the lanes leave open (CELL-2)."""
    if footer.implicit:
        first = entry["box"][0]["first"]
        return [((first + i,), ()) for i in range(tile.n)]  # STAT-7
    columns = dict(tile.columns)
    if tile.shape == DENSE:
        columns |= coordinates(tile, schema.dims, schema.cell_order)
    stored = [columns[dim.column] for dim in schema.dims]
    texts = [column.values for column in stored if column.klass == BYTES] or [[b""] * tile.n]
    return list(zip(zip(*map(lanes_of, stored)), zip(*texts)))


def times_of(tile, column, default):
    if column not in tile.columns:
        return [default] * tile.n
    return tile.columns[column].values.view("<i8" if column < KIND else "u1").tolist()


def check_times(footer, entry, tile):
    system = times_of(tile, SYSTEM_FROM, 0)
    start, until = times_of(tile, VALID_FROM, OPEN_START), times_of(tile, VALID_UNTIL, OPEN_END)
    kinds = times_of(tile, KIND, 0)
    ends = [v for v in until if v != OPEN_END]
    want = {
        "n_live": kinds.count(LIVE), "n_tombstones": kinds.count(TOMBSTONE), "n_erased": kinds.count(ERASED),
        "system_from_min": min(system), "system_from_max": max(system),
        "superseded_max": max(times_of(tile, SUPERSEDED, OPEN_END)), "valid_from_min": min(start),
        "valid_until_max": max(ends, default=OPEN_START), "n_open": len(until) - len(ends),
        "n_inexact": times_of(tile, EXACT, 1).count(0),
    }
    for name, value in want.items():  # STAT-8, STAT-9
        require(entry[name] == value, "STAT-9", f"{name}: {entry[name]}, not {value}")


def check_box(schema, footer, entry, tile):
    if tile.shape == BOX:
        for b, (lo, hi) in zip(entry["box"], tile.box):
            require(b == dict(lo=lo, hi=hi, first=lo, last=hi), "STAT-7", "bounds of a box tile")
        return
    rows = [lanes for lanes, _ in keys_of(schema, footer, entry, tile)]
    by_position = sorted(rows, key=lambda lanes: position(schema, lanes)) if not footer.implicit else rows
    for d, b in enumerate(entry["box"]):
        lanes = [row[d] for row in rows]
        require((b["lo"], b["hi"]) == (min(lanes), max(lanes)), "STAT-7", "box")
        ends = (by_position[0][d], by_position[-1][d])
        require((b["first"], b["last"]) == ends, "STAT-7", "first and last")


def check_order(schema, footer, entry, tile):
    """Rows ascend in cell order, of a key newest first (CELL-1 to CELL-3)."""
    if tile.shape == BOX or footer.implicit:
        return
    turn = (lambda t: t) if schema.cell_order == ROW else (lambda t: tuple(reversed(t)))
    system, start = times_of(tile, SYSTEM_FROM, 0), times_of(tile, VALID_FROM, OPEN_START)
    rows = [(turn(lanes), turn(texts), -s, v) for (lanes, texts), s, v in
            zip(keys_of(schema, footer, entry, tile), system, start)]
    kinds = times_of(tile, KIND, 0)
    ascend = all(a <= b or e == ERASED for a, b, e in zip(rows, rows[1:], kinds[1:]))
    require(ascend, "CELL-3", "order inside a tile")


def stats_of(column, live):
    """STAT-1 to STAT-3."""
    lanes = [] if column.klass == OPAQUE else lanes_of(column)
    rows = [i for i in range(len(live)) if live[i] and column.valid[i]]
    at = [lanes[i] for i in rows] if lanes else []
    exact = column.klass != WIDE and not (column.klass == BYTES and column.width > 8)
    if column.klass == BYTES and not column.width:
        values = [column.values[i] for i in rows]
        exact = all(len(v) <= 8 and v[-1:] != b"\0" for v in values)
    return {"min": min(at, default=0), "max": max(at, default=0),
            "n_nulls": sum(live) - len(rows), "n_nan": at.count(ALL) if column.klass == FLOAT else 0,
            "flags": (1 | 2 * exact) if at else 0}


def stats_of_nested(column, live):
    """STAT-12."""
    valid = column.valid if column.klass == OFFSETS else column.values == 1
    nulls = sum(1 for there, ok in zip(live, valid) if there and not ok)
    return {"min": 0, "max": 0, "n_nulls": nulls, "n_nan": 0, "flags": 0}


def nested_of(fields):
    """Columns of attributes and nodes that have children."""
    return {c for f in fields if f.children for c in {f.column} | nested_of(f.children)}


def check_stats(schema, footer, entry, tile):
    live = [kind == LIVE for kind in times_of(tile, KIND, 0)]
    nested = nested_of(schema.attrs)
    for column, stats in zip(footer.attrs, entry["stats"]):
        if column in tile.columns:
            how = stats_of_nested if column in nested else stats_of
            want = how(tile.columns[column], live)
            require(stats == want, "STAT-3", f"column {column:#x}: {stats}, not {want}")


def check_sizes(schema, entry, tile):
    """STAT-10."""
    nested = nested_of(schema.attrs)
    stored = [c for i, c in tile.columns.items() if i < 0xf000 and i not in nested]
    sizes = [len(c.values) * c.width if c.width else sum(len(v) for v in c.values) for c in stored]
    require(entry["column_len_max"] == max(sizes, default=0), "STAT-10", "column_len_max")


# ---- one segment ----

def check_segment(schema, footer, tiles):
    before = None
    for entry, tile in tiles:
        check_times(footer, entry, tile)
        check_box(schema, footer, entry, tile)
        check_order(schema, footer, entry, tile)
        check_stats(schema, footer, entry, tile)
        check_sizes(schema, entry, tile)
        if tile.shape == BOX or footer.implicit:
            continue
        first, last = (position(schema, [b[end] for b in entry["box"]]) for end in ("first", "last"))
        require(before is None or before <= first, "POS-3", "order of tiles")
        before = last


def check_store(store):
    """Every tile of every segment; the number of tiles."""
    n = 0
    for array in store.arrays.values():
        for _, footer, tiles in array.segments:
            check_segment(array.schema, footer, tiles)
            n += len(tiles)
    return n
