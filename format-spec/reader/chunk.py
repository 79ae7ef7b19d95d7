"""Chunks: one column of one tile. encodings.md from COL to ALP."""

from collections import namedtuple
from dataclasses import dataclass, field

import numpy as np
import zstandard

from .bits import BLOCK, delta_stream, for_stream, patch, word
from .bytes import Cursor, Damaged, Unsupported, ascend, hash64, require

RAW, CONSTANT, FOR, DELTA, PATCHED, RUNS, DICTIONARY, ALP = range(8)  # CHUNK-1
UNSIGNED, SIGNED, FLOAT, BYTES, WIDE, OPAQUE, OFFSETS = range(7)  # COL-2
ZSTD, NULLS, ALL_NULL, VARIABLE, PLANES, NESTED, VECTORS, ZSTD_DICTIONARY = (
    1 << bit for bit in range(8))  # CHUNK-1, flags
WIDTHS = {UNSIGNED: (1, 2, 4, 8), SIGNED: (1, 2, 4, 8), FLOAT: (2, 4, 8), WIDE: (16,), OFFSETS: (4,)}  # COL-2
PAGE_VALUES, STORED_MAX = 65536, 32768  # PAGE-1, PAGE-3


@dataclass
class Column:
    """Values of numbers are unsigned words of their width, all others bytes. Null slots are False
    in `valid` and hold anything."""
    klass: int
    width: int  # 0: BYTES
    values: np.ndarray
    valid: np.ndarray


Page = namedtuple("Page", "n stored payload hash")  # CHUNK-2


@dataclass
class Descriptor:
    encoding: int
    flags: int
    klass: int
    padding: int
    width: int
    n: int
    constant: bytes = b""
    dictionary: Page = None
    pages: list = field(default_factory=list)

    def words(self):
        """Are the values words of 8 to 64 bits?"""
        return self.klass in (UNSIGNED, SIGNED, FLOAT, OFFSETS)

    def planes(self):
        """Are the values numbers that may lie in byte planes (CHUNK-6)?"""
        return self.klass not in (BYTES, OPAQUE) and self.width >= 2

    def stored(self):
        """Bytes of the chunk (CHUNK-3)."""
        pages = self.pages + ([self.dictionary] if self.dictionary else [])
        return self.padding + sum(page.stored for page in pages)


def _page(cursor, zstd):
    n, stored = cursor.u32(), cursor.u32()
    payload = cursor.u32() if zstd else stored  # CHUNK-2
    return Page(n, stored, payload, cursor.u64())


def parse_descriptor(data):
    cursor = Cursor(data, "chunk descriptor")
    encoding, flags, klass, padding = (cursor.u8() for _ in range(4))
    if encoding > ALP:
        raise Unsupported(f"encoding {encoding} (CHUNK-4)")
    require(padding <= (63 if flags & VECTORS else 0) and klass <= OFFSETS, "CHUNK-1", "chunk descriptor")
    d = Descriptor(encoding, flags, klass, padding, cursor.u32(), cursor.u32())
    if encoding == CONSTANT:
        d.constant = cursor.take(cursor.u32())
    else:
        if encoding == DICTIONARY:
            d.dictionary = _page(cursor, flags & ZSTD_DICTIONARY)
        n_pages = cursor.u32()
        require(n_pages <= cursor.left() // 16, "PACK-7", "chunk descriptor: pages")
        d.pages = [_page(cursor, flags & ZSTD) for _ in range(n_pages)]
    cursor.end("CHUNK-1")
    _check_shape(d)
    _check_constant(d) if encoding == CONSTANT else _check_pages(d)
    return d


def _check_shape(d):
    require(d.n <= 1 << 24, "COL-1", "too many values")
    if d.flags & VARIABLE:
        require(d.width == 0 and d.klass in (BYTES, OPAQUE), "COL-2", "class of BYTES shape")
    else:
        require(1 <= d.width <= 1 << 26 and d.n * d.width < 1 << 31, "COL-1", "width")
        require(d.width in WIDTHS.get(d.klass, (d.width,)), "COL-2", "width of the class")
    require(d.encoding not in (FOR, DELTA, PATCHED, RUNS) or d.words(), "CHUNK-5", "encoding of the class")
    require(d.encoding != ALP or (d.klass, d.width) == (FLOAT, 8), "CHUNK-5", "ALP of another type")
    require(d.encoding != DICTIONARY or d.klass != OFFSETS, "CHUNK-5", "dictionary of offsets")
    if d.flags & VECTORS:
        require(d.encoding == RAW and not d.flags & (ZSTD | NULLS | VARIABLE), "VECTOR-1", "vectors")
    if d.flags & PLANES:
        require(d.encoding == RAW and d.planes() and d.flags & ZSTD, "CHUNK-6", "planes")
    require(not d.flags & ZSTD_DICTIONARY or d.encoding == DICTIONARY, "CHUNK-6", "flag bit 7")
    require(not d.flags & ALL_NULL or d.encoding == CONSTANT, "CHUNK-6", "flag bit 2")


def _check_constant(d):
    if d.flags & ALL_NULL:
        require(not d.constant and bool(d.flags & NULLS) == (d.n > 0), "CONST-2", "all null")
        require(not d.flags & ZSTD, "CONST-1", "zstd without pages")
        return
    require(d.n > 0 and not d.flags & (ZSTD | NULLS), "CONST-1", "constant")
    require(len(d.constant) <= 1024, "CONST-1", "constant too long")
    require(d.flags & VARIABLE or len(d.constant) == d.width, "CONST-1", "length of the constant")


def _check_pages(d):
    require(d.n > 0 and sum(p.n for p in d.pages) == d.n, "CHUNK-3", "values of the pages")
    free = d.encoding == RAW and (d.flags & (VARIABLE | VECTORS) or d.width > 16)
    for i, page in enumerate(d.pages):
        require(1 <= page.n <= PAGE_VALUES, "PAGE-1", "values of a page")
        last = i + 1 == len(d.pages)
        require(free or last or page.n % BLOCK == 0, "PAGE-2", "page not of whole blocks")
        require(page.n == 1 or page.stored <= STORED_MAX, "PAGE-3", "page too long")
        most = 1 << 26 if page.n == 1 else 65536
        require(not d.flags & ZSTD or page.payload <= most, "PAGE-4", "payload too long")
    if page := d.dictionary:
        require(1 <= page.n <= min(65536, d.n), "DICT-1", "distinct values")
        require(page.stored <= STORED_MAX, "PAGE-3", "dictionary too long")
        require(page.payload <= 65536, "PAGE-4", "dictionary too long")


def _payload(zstd, page, stored):
    require(hash64(stored) == page.hash, "CHUNK-7", "checksum of a page differs")
    if not zstd:
        return stored
    try:
        frame = zstandard.get_frame_parameters(stored)
        require(frame.content_size == page.payload, "ZSTD-2", "content size")
        require(frame.dict_id == 0, "ZSTD-1", "zstd dictionary")
        inflate = zstandard.ZstdDecompressor().decompressobj()
        payload = inflate.decompress(stored)
    except zstandard.ZstdError as err:
        raise Damaged(f"zstd: {err} (ZSTD-3)") from err
    require(inflate.eof and not inflate.unused_data, "ZSTD-3", "zstd frame")
    require(len(payload) == page.payload, "ZSTD-3", "payload length")
    return payload


def _bitmap(cursor, n):
    bits = np.unpackbits(np.frombuffer(cursor.take((n + 7) // 8), np.uint8), bitorder="little")
    require(not bits[n:].any(), "VALID-3", "bits after the last value")
    return bits[:n].astype(bool)


def _positions(cursor, n):
    nulls = [cursor.u16() for _ in range(cursor.u16())]
    require(ascend(nulls) and all(p < n for p in nulls), "VALID-4", "positions of nulls")
    return ~np.isin(np.arange(n), nulls)


def _validity(cursor, d, n):
    if not d.flags & NULLS:  # PAGE-5
        return np.ones(n, bool)
    mode = cursor.u8()
    require(mode <= 3, "VALID-1", "validity mode")
    if mode < 2:
        return np.full(n, mode == 0)  # VALID-2
    valid = _bitmap(cursor, n) if mode == 2 else _positions(cursor, n)
    k = int(n - valid.sum())
    sparse = 2 + 2 * k < (n + 7) // 8
    require(0 < k < n and sparse == (mode == 3), "VALID-5", "validity mode is not the one to use")
    return valid


def _objects(values):
    made = np.empty(len(values), object)
    made[:] = values
    return made


def _cut(data, ends):
    return _objects([bytes(data[a:b]) for a, b in zip([0, *ends[:-1]], ends)])


def _raw(cursor, d, n, planes, valid=None):
    if d.flags & VARIABLE:  # RAW-2
        lengths = for_stream(cursor, n, 32)
        require(valid is None or not lengths[~valid].any(), "RAW-4", "length of a null")
        ends = np.cumsum(lengths, dtype=np.uint64).tolist()
        return _cut(cursor.take(ends[-1]), ends)
    data = np.frombuffer(cursor.take(n * d.width), np.uint8)
    if planes:  # PLANE-1, PLANE-2
        data = np.ascontiguousarray(data.reshape(d.width, n).T)
    if d.words():  # RAW-1
        return data.reshape(-1).view(word(8 * d.width)).copy()
    return _cut(data.tobytes(), range(d.width, (n + 1) * d.width, d.width))


def _runs(cursor, d, n):
    r = cursor.u32()
    require(1 <= r <= n, "RUNS-1", "number of runs")
    values = for_stream(cursor, r, 8 * d.width)
    lengths = for_stream(cursor, r, 16).astype(np.int64) + 1
    require(lengths.sum() == n, "RUNS-3", "lengths of runs")
    return np.repeat(values, lengths)


def _alp(cursor, n):
    e, f, inner = (cursor.u8() for _ in range(3))
    require(f <= e <= 18 and inner <= 1, "ALP-2", "exponents")
    integers = (delta_stream if inner else for_stream)(cursor, n, 64).view(np.int64)
    inside = (integers >= -(1 << 51)) & (integers < 1 << 51)
    require(inside.all(), "ALP-4", "integer out of range")
    doubles = integers.astype(np.float64) * np.float64(f"1e{f}") * np.float64(f"1e-{e}")  # ALP-3
    return patch(cursor, doubles.view(word(64)), 64)


def _dictionary(d, data):
    zstd = d.flags & ZSTD_DICTIONARY
    cursor = Cursor(_payload(zstd, d.dictionary, data), "dictionary page")
    values = _raw(cursor, d, d.dictionary.n, zstd and d.planes())
    cursor.end("PAGE-6")
    order = values.tolist()
    if d.klass == SIGNED:
        order = values.view(f"<i{d.width}").tolist()
    elif d.klass == WIDE:
        order = [int.from_bytes(v, "little", signed=True) for v in order]
    require(ascend(order), "DICT-2", "dictionary out of order")
    return values


def _codes(cursor, n, dictionary):
    codes = for_stream(cursor, n, 16)
    require((codes < len(dictionary)).all(), "DICT-4", "code")
    return dictionary[codes]


def _page_values(d, page, data, dictionary):
    cursor = Cursor(_payload(d.flags & ZSTD, page, data), "page")
    n = page.n
    valid = _validity(cursor, d, n)
    values = {
        RAW: lambda: _raw(cursor, d, n, d.flags & PLANES, valid),
        FOR: lambda: for_stream(cursor, n, 8 * d.width),
        DELTA: lambda: delta_stream(cursor, n, 8 * d.width),
        PATCHED: lambda: patch(cursor, for_stream(cursor, n, 8 * d.width), 8 * d.width),  # PATCH-1
        RUNS: lambda: _runs(cursor, d, n),
        DICTIONARY: lambda: _codes(cursor, n, dictionary),
        ALP: lambda: _alp(cursor, n),
    }[d.encoding]()
    cursor.end("PAGE-6")
    return values, valid


def _constant(d):
    if d.flags & ALL_NULL:
        values = np.zeros(d.n, word(8 * d.width)) if d.words() else _objects([b""] * d.n)
        return Column(d.klass, d.width, values, np.zeros(d.n, bool))
    one = np.frombuffer(d.constant, word(8 * d.width)) if d.words() else _objects([d.constant])
    return Column(d.klass, d.width, np.repeat(one, d.n), np.ones(d.n, bool))


def decode(d, data):
    """The column that chunk bytes hold; `data` is exactly the chunk (CHUNK-3)."""
    if d.encoding == CONSTANT:
        return _constant(d)
    cursor = Cursor(data, "chunk")
    cursor.take(d.padding)
    dictionary = _dictionary(d, cursor.take(d.dictionary.stored)) if d.dictionary else None
    parts = [_page_values(d, page, cursor.take(page.stored), dictionary) for page in d.pages]
    cursor.end("CHUNK-3")
    values = np.concatenate([values for values, _ in parts])
    return Column(d.klass, d.width, values, np.concatenate([valid for _, valid in parts]))
