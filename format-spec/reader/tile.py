"""Tiles: a header and one chunk per column. tile.md."""

from dataclasses import dataclass
from math import prod

import numpy as np

from .bytes import Fields, Unsupported, ascend, hash64, require, unpack
from .chunk import CONSTANT, NESTED, SIGNED, UNSIGNED, Column, decode, parse_descriptor
from .lane import FLIP

SPARSE, DENSE, BOX = range(3)  # TILE-1
ROWS_MAX, CELLS_MAX, HEADER_MAX = 65536, 1 << 20, 1 << 24  # TILE-2, TILE-3, TILE-4
SYSTEM_FROM, SUPERSEDED, VALID_FROM, VALID_UNTIL, KIND, EXACT, PRESENCE = range(0xf000, 0xf007)
OPEN_START, OF_COMMIT, OPEN_END = -(1 << 63), 1 - (1 << 63), (1 << 63) - 1
LIVE, TOMBSTONE, ERASED, FORGET = range(4)


@dataclass
class Tile:
    shape: int
    n: int  # rows
    box: list  # pairs of lanes, per dimension; None in SPARSE tiles
    columns: dict  # stored columns by id
    below: set  # those of nodes below an attribute (NEST-1)
    cells: np.ndarray = None  # DENSE: the cell of each row (TILE-3)


def _box(f, shape, dims):
    if shape == SPARSE:
        return None
    lanes = f.get("box", list)
    require(len(lanes) == 2 * len(dims), "TILE-4", "box of a tile")
    box = list(zip(lanes[::2], lanes[1::2]))
    require(all(0 <= lo <= hi < 1 << 64 for lo, hi in box), "TILE-4", "box of a tile")
    return box


def _read_chunks(items, data):
    """The columns of a header's list; chunks lie end to end in `data` (TILE-5)."""
    ids, columns, at = items[::2], {}, 0
    pairs = len(items) % 2 == 0 and ascend(ids)
    require(pairs and all(0 <= i < 1 << 16 for i in ids), "TILE-5", "ids")
    for column, packed in zip(ids, items[1::2]):
        require(isinstance(packed, bytes), "TILE-4", "chunk descriptor")
        d = parse_descriptor(packed)
        columns[column] = (d, decode(d, data[at:at + d.stored()]))
        at += d.stored()
    require(at == len(data), "TILE-5", "chunks do not fill the tile")
    return columns


def parse_tile(data, header_len, header_hash, dims):
    require(header_len <= min(len(data), HEADER_MAX), "TILE-4", "header length")
    header = data[:header_len]
    require(hash64(header) == header_hash, "INDEX-10", "checksum of a tile's header differs")
    f = Fields(unpack(header, "tile header"), "tile header")
    shape, n = f.unsigned("shape"), f.unsigned("rows", ROWS_MAX)
    if shape > BOX:
        raise Unsupported(f"tile of shape {shape} (TILE-4)")
    require(n >= 1 and (shape != BOX or n == 1), "TILE-2", "rows of a tile")
    chunks = _read_chunks(f.get("columns", list), data[header_len:])
    tile = Tile(shape, n, _box(f, shape, dims), {i: column for i, (_, column) in chunks.items()},
                {i for i, (d, _) in chunks.items() if d.flags & NESTED})
    for column, (d, _) in chunks.items():
        _check_chunk(tile, column, d)
    if shape == DENSE:
        _place_cells(tile, dims)
    return tile


def _check_chunk(tile, column, d):
    node = column in tile.below
    require(not node or 0x100 <= column < 0xf000, "NEST-1", f"column {column:#x} as a node")
    require(d.n == tile.n or column == PRESENCE or node, "TILE-6", f"column {column:#x}: values")
    require(tile.shape != BOX or d.encoding == CONSTANT, "TILE-6", "chunk of a box tile")
    require(tile.shape != BOX or column >= 0xf000, "TILE-10", f"column {column:#x} of a box tile")
    if column >= 0xf000:
        times = column <= VALID_UNTIL
        layout = (SIGNED, 8) if times else (UNSIGNED, 1)
        require(column <= PRESENCE and (d.klass, d.width) == layout, "TILE-7", f"column {column:#x}")
        require(tile.columns[column].valid.all(), "TILE-7", f"column {column:#x}: nulls")
    if column == KIND:
        kinds = tile.columns[column].values
        require((kinds <= FORGET).all(), "TILE-7", "row kind")
        np.minimum(kinds, ERASED, out=kinds)  # TILE-7: what a reader shows


def _place_cells(tile, dims):
    """Which cell of the box each row is (TILE-3, TILE-11)."""
    n = prod(hi - lo + 1 for lo, hi in tile.box)
    require(n <= CELLS_MAX, "TILE-3", "cells of a dense tile")
    require(all(dim.type.klass in (SIGNED, UNSIGNED) for dim in dims), "TILE-3", "dimensions")
    presence = tile.columns.pop(PRESENCE, None)
    there = np.ones(n) if presence is None else presence.values
    require(presence is None or len(there) == n > tile.n, "TILE-11", "presence")
    require((there <= 1).all(), "TILE-11", "presence")
    tile.cells = np.flatnonzero(there)
    require(len(tile.cells) == tile.n, "TILE-3", "rows of a dense tile")


def coordinates(tile, dims, cell_order):
    """The dimension columns that a dense tile's box implies: cells count in cell order (CELL-1)."""
    order = range(len(dims)) if cell_order == 1 else reversed(range(len(dims)))
    sides = [hi - lo + 1 for lo, hi in tile.box]
    rest, columns = tile.cells, {}
    for d in reversed(list(order)):
        lanes = (rest % sides[d]).astype(np.uint64) + np.uint64(tile.box[d][0])
        kind = dims[d].type
        words = (lanes ^ FLIP if kind.klass == SIGNED else lanes).astype(f"<u{kind.width}")  # LANE-1
        columns[d] = Column(kind.klass, kind.width, words, np.ones(tile.n, bool))
        rest = rest // sides[d]
    return columns
