"""What the golden stores must hold, from the calls that made them: rows, and who answers now."""

import collections

from reader.schema import STRUCT
from reader.tile import LIVE, OPEN_END, OPEN_START, TOMBSTONE


class Said:
    """One row of one call, or one box."""

    def __init__(self, said, schema):
        self.time, self.kind = said["time"], said["kind"]
        self.start, self.until = said["from"], said["until"]
        self.box = said.get("box")
        cell = said.get("cell", {})
        self.key = tuple(value(dim, cell) for dim in schema.dims)
        self.values = tuple(value(a, cell) for a in schema.attrs)

    def concerns(self, key):
        if self.box:
            return all(lo <= k <= hi for k, (lo, hi) in zip(key, self.box))
        return self.key == key

    def covers(self, a, b):
        return self.start <= a and b <= self.until


def value(field, cell):
    return decoded(field, cell.get(field.name))


def decoded(field, text):
    if text is None or not field.children:
        return None if text is None else field.type.value(bytes.fromhex(text))
    children = field.children if field.type.id == STRUCT else field.children * len(text)
    return tuple(decoded(child, part) for child, part in zip(children, text))


def read(truth, array):
    return [Said(said, array.schema) for said in truth["said"] if said["array"] == array.name]


def stored(said):
    """(key, values, system_from, valid_from, valid_until, kind) of every row."""
    return collections.Counter((s.key, s.values, s.time, s.start, s.until, s.kind)
                               for s in said if not s.box)


def hides(repeated, later):
    """Does a later call hide earlier ones where both hold?"""
    return not repeated or later.kind == TOMBSTONE


def current(said, repeated):
    """(key, values, time, a, b) of every elementary interval that a live row answers now."""
    ends = {OPEN_START, OPEN_END} | {s.start for s in said} | {s.until for s in said}
    ends, found = sorted(ends), collections.Counter()
    for i, s in enumerate(said):
        if s.kind != LIVE or s.box:
            continue
        later = [t for t in said[i + 1:] if t.concerns(s.key) and hides(repeated, t)]
        for a, b in zip(ends, ends[1:]):
            if s.covers(a, b) and not any(t.covers(a, b) for t in later):
                found[s.key, s.values, s.time, a, b] += 1
    return found


def cut(pieces, said):
    """Pieces of the reader, cut at the ends that `current` cuts at."""
    ends = sorted({OPEN_START, OPEN_END} | {s.start for s in said} | {s.until for s in said})
    return collections.Counter(
        (p.row.key, tuple(p.row.values.values()), p.row.system_from, a, b)
        for p in pieces for a, b in zip(ends, ends[1:]) if p.valid_from <= a and b <= p.valid_until)
