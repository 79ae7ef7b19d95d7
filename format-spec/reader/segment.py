"""Segments: frame, footer and tile index. segment.md."""

from collections import namedtuple

from .bytes import Cursor, Fields, ascend, check_format, hash64, require, unpack
from .tile import OPEN_END, OPEN_START, parse_tile

MAGIC, END_MAGIC = b"TEGS\r\n\x1a\n", b"TEGSEND\n"
INDEX_MAGIC = b"TIDX"
HEADER, TRAILER = 16, 40
# INDEX-5: name, bytes, signed, default
ENTRY = [
    ("off", 8, False, 0), ("len", 8, False, 0), ("header_len", 4, False, 0), ("hash", 8, False, 0),
    ("shape", 1, False, 0), ("continued", 1, False, 0), ("n_tiles", 8, False, 1),
    ("n_rows", 8, False, 0), ("n_live", 8, False, 0), ("n_tombstones", 8, False, 0),
    ("n_erased", 8, False, 0), ("column_len_max", 8, False, 0), ("system_from_min", 8, True, 0),
    ("system_from_max", 8, True, 0), ("superseded_max", 8, True, OPEN_END),
    ("valid_from_min", 8, True, OPEN_START), ("valid_until_max", 8, True, OPEN_START),
    ("n_open", 8, False, 0), ("n_inexact", 8, False, 0),
]
BOX = ("lo", "hi", "first", "last")  # INDEX-6
STATS = (("min", 8), ("max", 8), ("n_nulls", 8), ("n_nan", 8), ("flags", 1))  # INDEX-7
SUMS = ("n_tiles", "n_rows", "n_live", "n_tombstones", "n_erased", "n_open", "n_inexact")
LEAST, GREATEST = ("system_from_min", "valid_from_min"), (
    "column_len_max", "system_from_max", "superseded_max", "valid_until_max")
Footer = namedtuple("Footer", "array schema fresh implicit dims attrs levels root")


def check_header(data):
    cursor = Cursor(data[:HEADER], "segment header")
    require(cursor.take(8) == MAGIC, "SEG-1", "not a segment")
    check_format(cursor, 4, "segment")  # SEG-2, SEG-3


def _footer_bytes(data, checksum):
    require(len(data) >= HEADER + TRAILER, "SEG-4", "segment too short")
    trailer = data[-TRAILER:]
    cursor = Cursor(trailer, "segment trailer")
    offset, length, zero, total, mark = (cursor.number(size) for size in (8, 4, 4, 8, 8))
    require(cursor.take(8) == END_MAGIC and zero == 0, "SEG-4", "segment trailer")
    fits = offset >= HEADER and offset + length == len(data) - TRAILER and total == len(data)
    require(fits, "SEG-6", "segment trailer does not fit the segment")
    require(hash64(data[offset:]) == checksum, "SEG-5", "checksum of the segment differs")
    footer = data[offset:offset + length]
    require(hash64(footer + trailer[:24]) == mark, "SEG-4", "hash of the footer differs")
    return footer


def parse_footer(data, checksum):
    f = Fields(unpack(_footer_bytes(data, checksum), "segment footer"), "segment footer")
    footer = Footer(f.unsigned("array"), f.unsigned("schema", (1 << 32) - 1), f.get("fresh", bool),
                    f.get("implicit", bool), f.unsigned("dims", 16), f.get("attrs", list),
                    f.unsigned("levels", 4), None)
    require(len(f.get("commit", bytes)) == 16, "SEG-7", "segment footer")
    fit = ascend(footer.attrs) and len(footer.attrs) <= 10000
    require(fit, "SEG-7", "attributes of a segment")
    if footer.levels:
        page = Index(f.get("root", bytes), footer)
        require(not page.leaf and len(page.entries) == 1, "SEG-8", "root entry")
        footer = footer._replace(root=page.entries[0])
    return footer


def _column(cursor, form, n, size, signed, default):
    """One column of an index page in one of three forms (INDEX-4)."""
    stored = [cursor.number(size) for _ in range({0: 0, 1: 1, 2: n}[form])]
    if signed:
        stored = [v - (1 << 8 * size) if v >> (8 * size - 1) else v for v in stored]
    smallest = 2 if len(set(stored)) > 1 else 1 if stored and stored[0] != default else 0
    require(form == smallest, "INDEX-4", "index page: not the smallest form")
    return stored if form == 2 else (stored or [default]) * n


class Index:
    """A page: entries as dicts; `box` and `stats` hold what INDEX-6 and INDEX-7 list."""

    def __init__(self, data, footer):
        cursor = Cursor(data, "index page")
        require(cursor.take(4) == INDEX_MAGIC, "INDEX-1", "not an index page")
        n, d, leaf, a = cursor.u32(), cursor.u16(), cursor.u16(), cursor.u32()
        require((d, a) == (footer.dims, len(footer.attrs)), "INDEX-2", "index page: columns")
        most = max(16, min(256, 65536 // a if a else 65536))
        require(1 <= n <= most and leaf <= 1, "INDEX-2", "index page: entries")
        self.leaf = bool(leaf)
        self.entries = self._entries(cursor, n, d, a)
        cursor.end("INDEX-1")
        for entry in self.entries:
            self._check(entry)

    def _entries(self, cursor, n, d, a):
        layout = [(size, signed, default) for _, size, signed, default in ENTRY]
        layout += [(8, False, 0)] * (4 * d) + [(size, False, 0) for _, size in STATS] * a  # INDEX-3
        forms = cursor.take(len(layout))
        require(all(form <= 2 for form in forms), "INDEX-4", "index page: form")
        columns = [_column(cursor, form, n, *c) for form, c in zip(forms, layout)]
        return [self._entry(row, d, a) for row in zip(*columns)]

    @staticmethod
    def _entry(row, d, a):
        entry = {name: row[i] for i, (name, *_) in enumerate(ENTRY)}
        at = len(ENTRY)
        entry["box"] = [dict(zip(BOX, row[at + 4 * i:])) for i in range(d)]
        at += 4 * d
        names = [name for name, _ in STATS]
        entry["stats"] = [dict(zip(names, row[at + 5 * i:])) for i in range(a)]
        return entry

    def _check(self, e):
        kinds = e["n_live"] + e["n_tombstones"] + e["n_erased"]
        require(e["n_rows"] == kinds > 0 and e["len"] > 0, "INDEX-10", "index entry: rows")
        counts = max(e["n_open"], e["n_inexact"], *(s["n_nulls"] + s["n_nan"] for s in e["stats"]), 0)
        require(counts <= e["n_rows"], "INDEX-10", "index entry: counts exceed rows")
        for b in e["box"]:
            inside = b["lo"] <= min(b["first"], b["last"]) and max(b["first"], b["last"]) <= b["hi"]
            require(inside, "INDEX-10", "index entry: box")
        for s in e["stats"]:
            require(s["min"] <= s["max"] and s["flags"] <= 3, "INDEX-10", "index entry: statistics")
        if not self.leaf:
            upper = (e["header_len"], e["shape"], e["continued"])
            require(upper == (0, 0, 0), "INDEX-5", "upper index entry")
        else:
            require(e["n_tiles"] == 1 and e["continued"] <= 1, "INDEX-5", "leaf index entry")


def _sum(entries, page_stats):
    """What the entry above a page must say of it (INDEX-9, STAT-6)."""
    total = {name: sum(e[name] for e in entries) for name in SUMS}
    total |= {name: min(e[name] for e in entries) for name in LEAST}
    total |= {name: max(e[name] for e in entries) for name in GREATEST}
    boxes = zip(*(e["box"] for e in entries))
    total["box"] = [{"lo": min(b["lo"] for b in dim), "hi": max(b["hi"] for b in dim),
                     "first": dim[0]["first"], "last": dim[-1]["last"]} for dim in boxes]
    total["stats"] = [_sum_stats([e["stats"][i] for e in entries]) for i in range(page_stats)]
    return total


def _sum_stats(stats):
    bounded = [s for s in stats if s["flags"] & 1]
    flags = 1 | 2 * all(s["flags"] & 2 for s in bounded) if bounded else 0
    return {"min": min((s["min"] for s in bounded), default=0),
            "max": max((s["max"] for s in bounded), default=0),
            "n_nulls": sum(s["n_nulls"] for s in stats), "n_nan": sum(s["n_nan"] for s in stats),
            "flags": flags}


def _leaves(data, footer, above, level):
    """The leaf entries below an upper entry, every page verified."""
    end = above["off"] + above["len"]
    require(end <= len(data), "INDEX-8", "index page outside the segment")
    raw = data[above["off"]:end]
    require(hash64(raw) == above["hash"], "INDEX-10", "checksum of an index page differs")
    page = Index(raw, footer)
    require(page.leaf == (level == 1), "SEG-9", "level of an index page")
    total = _sum(page.entries, len(footer.attrs))
    require(all(above[name] == total[name] for name in total), "INDEX-9", "sums of an index page")
    ends = [0] + [e["off"] + e["len"] for e in page.entries]
    in_order = all(e["off"] >= end for e, end in zip(page.entries, ends))
    require(in_order and ends[-1] <= len(data), "INDEX-8", "order of an index page")
    if page.leaf:
        return page.entries
    return [leaf for e in page.entries for leaf in _leaves(data, footer, e, level - 1)]


def read_segment(data, checksum, dims):
    """The footer, and (index entry, tile) for every tile, everything verified."""
    check_header(data)
    footer = parse_footer(data, checksum)
    require(footer.dims == len(dims), "SEG-7", "dimensions of a segment")
    leaves = _leaves(data, footer, footer.root, footer.levels) if footer.levels else []
    tiles = []
    for entry in leaves:
        raw = data[entry["off"]:entry["off"] + entry["len"]]
        tile = parse_tile(raw, entry["header_len"], entry["hash"], dims)
        agrees = (tile.shape, tile.n) == (entry["shape"], entry["n_rows"])
        require(agrees, "STAT-8", "tile and index entry differ")
        tiles.append((entry, tile))
    return footer, tiles
