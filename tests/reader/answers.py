"""Rows of the engine and of the second reader in one form, to be compared as bags."""

import collections

import numpy as np
import pyarrow as pa

from engine import ALL_VERSIONS, AS_OF, OPEN_END, OPEN_START
from reader import pieces, stored_rows

TIMES = ("system_from", "system_until", "valid_from", "valid_until", "row_kind")
OPEN = {"valid_from": OPEN_START}


def nested(array):
    """Lists, fixed-size lists and structs as tuples."""
    kind, n, children = array.type, len(array), []
    if pa.types.is_struct(kind):
        children = [plain(pa.chunked_array([child])) for child in array.flatten()]
        values = list(zip(*children))
    else:
        children = plain(pa.chunked_array([array.values]))
        if pa.types.is_fixed_size_list(kind):
            ends = [(array.offset + i) * kind.list_size for i in range(n + 1)]
        else:
            ends = array.offsets.to_pylist()
        values = [tuple(children[a:b]) for a, b in zip(ends, ends[1:])]
    return [v if ok else None for v, ok in zip(values, array.is_valid().to_pylist())]


def plain(column):
    """A pyarrow column as ints, bits of floats, text, bytes and tuples of these."""
    kind = column.type
    if pa.types.is_nested(kind):
        return [v for chunk in column.chunks for v in nested(chunk)]
    if pa.types.is_floating(kind):
        unsigned = {16: np.uint16, 32: np.uint32, 64: np.uint64}[kind.bit_width]
        values = [chunk.fill_null(0).to_numpy(zero_copy_only=False).view(unsigned).tolist()
                  for chunk in column.chunks]
    elif pa.types.is_decimal(kind):
        return [None if v is None else int(v.scaleb(kind.scale)) for v in column.to_pylist()]
    elif pa.types.is_temporal(kind):
        return column.cast(pa.int32() if kind.bit_width == 32 else pa.int64()).to_pylist()
    elif pa.types.is_boolean(kind):
        return [None if v is None else int(v) for v in column.to_pylist()]
    else:
        return column.to_pylist()
    values = [v for chunk in values for v in chunk]
    return [v if ok else None for v, ok in zip(values, column.is_valid().to_pylist())]


def of_engine(table, array):
    """A bag of (key, values, times)."""
    n = table.num_rows
    columns = {name: plain(table.column(name)) for name in table.column_names}
    for name, default in zip(TIMES, (0, OPEN_END, OPEN_START, OPEN_END, 0)):
        column = columns.get(name, [None] * n)
        columns[name] = [default if v is None else v for v in column]
    names = [dim.name for dim in array.schema.dims] + [a.name for a in array.schema.attrs]
    return collections.Counter(zip(*(columns[name] for name in (*names, *TIMES))))


def _row(row, until, start, end):
    return (*row.key, *row.values.values(), row.system_from, until, start, end, row.kind)


def stored(array):
    return collections.Counter(_row(row, until, row.valid_from, row.valid_until)
                               for row, until in stored_rows(array))


def at(array, s, kinds):
    return collections.Counter(_row(p.row, p.system_until, p.valid_from, p.valid_until)
                               for p in pieces(array, s, kinds))


def differences(engine, store):
    """What engine and reader do not agree on, as text; nothing where they agree."""
    for array in store.arrays.values():
        times = sorted({row.system_from for row in array.rows} | {box.system_from for box in array.boxes})
        asked = [(stored(array), dict(mode=ALL_VERSIONS))]
        asked += [(at(array, s, (0, 1)), dict(mode=AS_OF, system_time=s, kinds=3)) for s in times]
        for want, options in asked:
            got = of_engine(engine.scan(array.name, **options), array)
            if got != want:
                yield (f"{array.name} {options}: only the engine {list((got - want).items())[:3]}, "
                       f"only the reader {list((want - got).items())[:3]}")
