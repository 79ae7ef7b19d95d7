"""Stores: marker, newest manifest, catalog, arrays. overview.md, manifest.md."""

import pathlib
import re
from collections import namedtuple
from dataclasses import dataclass, field

import numpy as np

from . import lane
from .bytes import Cursor, Damaged, Fields, ascend, check_format, hash64, require, unpack
from .chunk import SIGNED
from .schema import FIXED_LIST, LIST, STRUCT, parse_schema
from .segment import read_segment
from .tile import (BOX, DENSE, KIND, OF_COMMIT, OPEN_END, OPEN_START, SUPERSEDED, SYSTEM_FROM,
                   VALID_FROM, VALID_UNTIL, coordinates)

MARKER = b"\x89TEGS\r\n\x1a"
MANIFEST = b"\x89TEGM\r\n\x1a"
PAGE_MAX, KEY_MAX, LEVEL_MAX = 4096, 512, 15
INLINED, FRESH, IMPLICIT = 1, 2, 4  # REC-2
COUNTS = {"tiles": "n_tiles", "rows": "n_rows", "live": "n_live", "tombs": "n_tombstones",
          "gone": "n_erased", "inexact": "n_inexact", "open": "n_open"}  # REC-2
# One stored row: `values` by name, None for null; times as ints, open ends as they are on disk. A box
# tile is a row without values whose key is a list of pairs of lanes.
Row = namedtuple("Row", "key values system_from superseded valid_from valid_until kind")


@dataclass
class Array:
    name: str
    id: int
    schema: object
    last_time: int
    horizon: int
    segments: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    boxes: list = field(default_factory=list)


class Store:
    """The newest version of the store in a directory, read and verified as a whole."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.id = self._marker()
        self.version = self._newest()
        self.manifests = {}
        self.head = self._manifest(self.version)
        root = self.head.get("root", list)
        require(len(root) == 4 and all(isinstance(v, int) for v in root), "MAN-9", "root")
        entries = dict(self._entries(root, None, b""))
        arrays = [self._array(key[1:].decode(errors="replace"), value, entries)
                  for key, value in entries.items() if key[:1] == b"A"]
        self.arrays = {array.name: array for array in arrays}
        self.versions = dict(self._said_of(key, value) for key, value in entries.items() if key[:1] == b"V")
        require(self.head.unsigned("arrays") == len(self.arrays), "MAN-9", "number of arrays")

    def _read(self, name):
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError as err:
            raise Damaged(f"{name} is missing (MAN-17)") from err

    def _marker(self):
        data = self._read("tegula")
        require(data[:8] == MARKER, "STORE-3", "not a marker of a store")
        cursor = Cursor(data[8:], "marker")
        check_format(cursor, 8, "store")
        cursor.u64()  # optional features (STORE-3)
        store_id = cursor.take(16)
        require(cursor.u64() == hash64(data[:44]), "STORE-3", "marker: checksum differs")
        cursor.end("STORE-2")
        return store_id

    def _newest(self):
        """The greatest number of the listing; the hint may name none beyond it (MAN-14 to MAN-16)."""
        names = [p.name for p in (self.path / "manifests").iterdir()]
        numbers = [int(name) for name in names if re.fullmatch(r"[0-9]{20}", name)]
        require(numbers, "MAN-14", "no manifest is left")
        hint = self.path / "manifests" / "hint"
        text = hint.read_bytes() if hint.exists() else b""
        for line in re.findall(rb"(?=([0-9]{20} [0-9a-f]{16}\n))", text if len(text) <= 65536 else b""):
            if line[20:] == b" %016x\n" % hash64(line[:20]):
                require(int(line[:20]) <= max(numbers), "MAN-16", "the newest manifest is missing")
        return max(numbers)

    def _manifest_bytes(self, number):
        if number not in self.manifests:
            self.manifests[number] = self._read(f"manifests/{number:020d}")
        return self.manifests[number]

    def _manifest(self, number):
        """The head, after header and trailer (MAN-2 to MAN-4)."""
        data = self._manifest_bytes(number)
        require(len(data) >= 104, "MAN-1", "manifest too short")
        header, trailer = data[:40], data[-64:]
        require(header[:8] == MANIFEST and trailer[-8:] == MANIFEST, "MAN-4", "not a manifest")
        cursor = Cursor(header[8:], "manifest header")
        check_format(cursor, 4, "manifest")
        require(cursor.u64() == number, "MAN-4", "manifest of another version")
        require(cursor.take(16) == self.id, "MAN-4", "manifest of another store")
        require(hash64(header + trailer[:48]) == int.from_bytes(trailer[48:56], "little"), "MAN-4",
                "manifest: checksum of header and trailer differs")
        cursor = Cursor(trailer, "manifest trailer")
        pages, directory, head, length, zero, mark, total = (
            cursor.number(size) for size in (8, 8, 8, 4, 4, 8, 8))
        fits = 40 <= pages <= directory <= head and head + length == len(data) - 64
        require(fits and zero == 0 and total == len(data), "MAN-4", "manifest: parts do not fit")
        require(hash64(data[head:head + length]) == mark, "MAN-4", "hash of the head differs")
        f = Fields(unpack(data[head:head + length], "manifest head"), "manifest head")
        require(f.unsigned("version") == number, "MAN-9", "version")
        listed = data[directory:head]
        require(len(listed) % 36 == 0, "MAN-7", "directory")
        require(hash64(listed) == f.unsigned("directory"), "MAN-7", "hash of the directory differs")
        self._check_parent(number, f)
        return f

    def _check_parent(self, number, f):
        """The chain, where the file before is still there (MAN-5, MAN-9)."""
        before = self.path / f"manifests/{number - 1:020d}"
        parent = 0 if number == 1 else f.unsigned("parent")
        if before.exists():
            parent = int.from_bytes(before.read_bytes()[-16:-8], "little")
        require(f.unsigned("parent") == parent, "MAN-9", "checksum of the parent differs")

    def _range(self, manifest, off, length):
        require(manifest <= self.version, "MAN-10", "reference to a later manifest")
        data = self._manifest_bytes(manifest)
        require(off + length <= len(data), "CPAGE-6", "reference beyond a manifest")
        return data[off:off + length]

    def _entries(self, ref, level, first):
        """Every key and value below a page reference, in order (CAT-1)."""
        manifest, off, length, mark = ref
        data = self._range(manifest, off, length)
        require(hash64(data) == mark, "CPAGE-6", "checksum of a catalog page differs")
        there, entries = _page(data)
        if level is not None:
            require(there == level and entries[0][0] == first, "CPAGE-6", "level or first key of a catalog page")
        for key, value in entries:
            if there == 0:
                yield key, value
                continue
            cursor = Cursor(value, "page reference")
            below = [cursor.number(size) for size in (8, 8, 4, 8)]
            cursor.end("CPAGE-5")
            yield from self._entries(below, there - 1, key)

    def _array(self, name, value, entries):
        f = Fields(unpack(value, "array record"), "array record")
        array = Array(name, f.unsigned("id"), parse_schema(f.get("schema", bytes)),
                      f.signed("last"), f.signed("horizon"))
        number = array.id.to_bytes(8, "big")
        require(entries.get(b"I" + number) == name.encode(), "KEY-2", "id without its name")
        for key, reference in entries.items():
            if key[:9] == b"S" + number:
                self._segment(array, key, reference)
        return array

    def _said_of(self, key, value):
        """Number of a version, metadata of its commit and by which version some was taken away."""
        f = Fields(unpack(value, "version record"), "version record")
        number, redacted = int.from_bytes(key[1:], "big"), f.unsigned("redacted", default=0)
        require(len(key) == 9, "KEY-5", "key of a version")
        require(not redacted or number < redacted <= self.version, "REC-7", "removed metadata")
        return number, ([tuple(pair) for pair in f.get("meta", list)], redacted)

    def segment_bytes(self, f):
        """The whole segment that a reference means (REC-2, REC-4)."""
        length = f.unsigned("len", default=0)
        if f.unsigned("flags", 31) & INLINED:
            return self._range(f.unsigned("in"), f.unsigned("off", default=0), length)
        data = self._read(f"segments/{f.get('file', bytes).hex()}")
        require(len(data) == length, "REC-4", "segment file of another length")
        return data

    def _segment(self, array, key, value):
        require(len(key) == 21, "KEY-3", "key of a segment")
        f = Fields(unpack(value, "segment reference"), "segment reference")
        flags = f.unsigned("flags", 31)
        footer, tiles = read_segment(self.segment_bytes(f), f.unsigned("hash", default=0),
                                     array.schema.dims)
        agrees = (footer.array, footer.schema, footer.fresh, footer.implicit) == (
            array.id, f.unsigned("schema"), bool(flags & FRESH), bool(flags & IMPLICIT))
        require(agrees, "REC-2", "segment and reference differ")
        for name, of_root in COUNTS.items():
            there = footer.root[of_root] if footer.root else 0
            require(f.unsigned(name, default=0) == there, "REC-2", f"'{name}' of a reference")
        array.segments.append((f, footer, tiles))
        for entry, tile in tiles:
            self._tile(array, footer, f, entry, tile)

    def _tile(self, array, footer, f, entry, tile):
        times = _times(footer, f, tile)
        if tile.shape == BOX:
            array.boxes.append(Row(tile.box, None, *(int(t[0]) for t in times)))
            return
        keys = _key_columns(array.schema, footer, f, entry, tile)
        names = [a.name for a in array.schema.attrs]
        columns = [_attribute(tile, a, times[-1]) for a in array.schema.attrs]
        for key, row, *when in zip(zip(*keys), zip(*columns), *(t.tolist() for t in times)):
            array.rows.append(Row(key, dict(zip(names, row)), *when))


def _page(data):
    """Level and entries of a catalog page (CPAGE-1 to CPAGE-4)."""
    cursor = Cursor(data, "catalog page")
    mark, level, zero, length, n = (cursor.number(size) for size in (1, 1, 2, 4, 4))
    require((mark, zero, length) == (ord("P"), 0, len(data)), "CPAGE-1", "not a catalog page")
    require(level <= LEVEL_MAX and (n or not level), "CPAGE-4", "catalog page: level")
    require(n <= 1 or length <= PAGE_MAX, "CPAGE-4", "catalog page too long")
    ends = [cursor.u32() for _ in range(2 * n)]
    body = cursor.take(cursor.left())
    starts = [0, *ends]
    fit = all(a <= b for a, b in zip(starts, ends)) and starts[-1] == len(body)
    require(fit, "CPAGE-2", "catalog page: slots")
    parts = [body[a:b] for a, b in zip(starts, ends)]
    entries = list(zip(parts[::2], parts[1::2]))
    keys = [key for key, _ in entries]
    fit = ascend(keys) and all(len(key) <= KEY_MAX for key in keys)
    require(fit, "CPAGE-3", "catalog page: keys")
    return level, entries


def _times(footer, f, tile):
    """system_from, superseded, valid_from, valid_until, kind (TILE-7, SEG-11)."""
    def stored(column, default):
        if column in tile.columns:
            return tile.columns[column].values.view("<i8" if column != KIND else "u1")
        require(default is not None, "TILE-7", f"column {column:#x} is left out")
        return np.full(tile.n, default, np.int64)

    require(not (footer.fresh and SYSTEM_FROM in tile.columns), "SEG-11", "system_from")
    system = stored(SYSTEM_FROM, f.signed("time", default=0) if footer.fresh else None)
    start = stored(VALID_FROM, OPEN_START)
    start = np.where(start == OF_COMMIT, system, start)
    return (system, stored(SUPERSEDED, OPEN_END), start, stored(VALID_UNTIL, OPEN_END),
            stored(KIND, 0))


def _key_columns(schema, footer, f, entry, tile):
    if footer.implicit:
        require(0 not in tile.columns, "TILE-8", "row ids are stored")
        first = f.signed("row", default=0) + entry["box"][0]["first"]
        return [range(first, first + tile.n)]
    columns = dict(tile.columns)
    if tile.shape == DENSE:
        columns |= coordinates(tile, schema.dims, schema.cell_order)
    require(all(dim.column in columns for dim in schema.dims), "TILE-7", "dimension left out")
    for dim in schema.dims:
        require(columns[dim.column].valid.all(), "CELL-6", "null as a coordinate")
    return [to_values(columns[dim.column], dim.type) for dim in schema.dims]


def _attribute(tile, attribute, kinds):
    column = tile.columns.get(attribute.column)
    if column is None:  # newer than the segment (TILE-7)
        fill, nested = attribute.fill, attribute.children
        value = None if fill is None else attribute.zero() if nested else attribute.type.value(fill)
        return [value if kind == 0 else None for kind in kinds]
    values = _node(tile, attribute, tile.n, False)
    there = np.array([value is not None for value in values])
    require((kinds == 0)[there].all(), "TILE-9", "a row that is not live has values")
    live = attribute.nullable or there[kinds == 0].all()
    require(live, "SCHEMA-3", "null in an attribute that is not nullable")
    return values


def _node(tile, field, n, below=True):
    """The n values of an attribute or of a node below one; lists and structs as tuples (NEST)."""
    column, kind, where = tile.columns.get(field.column), field.type.id, f"column {field.column:#x}"
    there = column is not None and len(column.valid) == n and (field.column in tile.below) == below
    require(there, "NEST-1", f"{where}: node")
    each = 4 if kind == LIST else field.type.width or 4
    require(tile.n == 1 or n * each <= 4 << 20, "NEST-6", f"{where}: too many values")
    values, valid = to_values(column, field.type), column.valid
    if kind == LIST:
        starts, ends = [0, *column.values.tolist()], column.values.tolist()
        require(all(a <= b for a, b in zip(starts, ends)), "NEST-2", f"{where}: ends descend")
        child = _node(tile, field.children[0], starts[-1])
        values = [tuple(child[a:b]) for a, b in zip(starts, ends)]
        require(not any(v for v, ok in zip(values, valid) if not ok), "NEST-2", f"{where}: null list")
    elif kind in (FIXED_LIST, STRUCT):
        require(valid.all() and (column.values <= 1).all(), "NEST-3", f"{where}: flags")
        size, valid = field.type.length, column.values == 1
        children = [_node(tile, child, n * size if kind == FIXED_LIST else n) for child in field.children]
        values = list(zip(*children)) if kind == STRUCT else [
            tuple(children[0][i * size:(i + 1) * size]) for i in range(n)]
    require(not below or field.nullable or valid.all(), "NEST-5", f"{where}: null")
    return [v if ok else None for v, ok in zip(values, valid)]


def to_values(column, kind):
    require((column.klass, column.width) == (kind.klass, kind.width), "TILE-7", "type of a column")
    if column.values.dtype == object:
        return [kind.value(v) if ok else None for v, ok in zip(column.values, column.valid)]
    values = column.values.view(f"<i{kind.width}") if kind.klass == SIGNED else column.values
    return [v if ok else None for v, ok in zip(values.tolist(), column.valid)]


def key_lanes(schema, key):
    """The lanes of a row's key, to hold against a box (LANE)."""
    return [lane.of_value(dim.type, dim.type.raw(value)) for dim, value in zip(schema.dims, key)]
