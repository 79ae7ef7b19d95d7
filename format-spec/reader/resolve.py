"""Who wins at (S, V), by brute force, interval by interval of valid time: time.md."""

from collections import defaultdict, namedtuple
from dataclasses import dataclass

from .store import key_lanes
from .tile import ERASED, LIVE, OPEN_END, OPEN_START, TOMBSTONE


@dataclass
class Version:
    """A row, or a box over the row's key."""
    said: object
    claims: bool

    def __getattr__(self, name):
        return getattr(self.said, name)

    def covers(self, a, b):
        return self.valid_from <= a and b <= self.valid_until


Piece = namedtuple("Piece", "row valid_from valid_until system_until")


def _rank(version):
    return -version.system_from, version.said.values is None, version.kind == ERASED


def versions_by_key(array):
    """Of each key: its rows and the boxes over it, newest first; at one system time cells before
    erased cells before boxes, later boxes before earlier ones (TIME-3)."""
    keys = defaultdict(list)
    for row in array.rows:
        keys[row.key].append(Version(row, row.kind != LIVE or not array.schema.repeated))
    for key, versions in keys.items():
        lanes = key_lanes(array.schema, key) if array.boxes else []
        for box in reversed(array.boxes):
            if all(lo <= lane <= hi for lane, (lo, hi) in zip(lanes, box.key)):
                versions.append(Version(box, True))
        versions.sort(key=_rank)
    return keys


def _after_erasures(versions):
    """Without what an erasure masks, at every S (TIME-6); the newest erasure stays."""
    erased = (i for i, v in enumerate(versions) if v.kind == ERASED)
    return versions[:next(erased, len(versions)) + 1]


def _intervals(versions):
    """Valid time, cut at every end of a version."""
    ends = sorted({end for v in versions for end in (v.valid_from, v.valid_until)})
    return list(zip(ends, ends[1:]))


def _winners(versions, s, a, b):
    """What answers over [a, b) at S: the newest claim, and events that no newer one hides (TIME-1, TIME-7)."""
    found, hidden_from = [], None
    for v in versions:
        if v.kind == ERASED:
            found += [v] if hidden_from is None else []
            break
        if v.system_from > s or not v.covers(a, b):
            continue
        if hidden_from is not None and (v.claims or v.system_from < hidden_from):
            continue
        found.append(v)
        if v.claims:
            hidden_from = v.system_from
    return [v for v in found if v.superseded > s or v.kind == ERASED]


def _join(answers):
    """Neighbouring intervals that one version answers, as one piece."""
    joined = []
    for version, a, b in answers:
        if joined and joined[-1][0] is version and joined[-1][2] == a:
            joined[-1][2] = b
        else:
            joined.append([version, a, b])
    return joined


def _until(versions, s, a, b):
    """The first system time after S at which a claim takes part of [a, b) (TIME-9)."""
    return min((v.system_from for v in versions
                if v.claims and v.system_from > s and v.valid_from < b and v.valid_until > a),
               default=OPEN_END)


def pieces(array, s, kinds=(LIVE,)):
    """The effective pieces of every key at S (TIME-8), rows only: boxes have no cells of their own."""
    for versions in versions_by_key(array).values():
        versions = _after_erasures(versions)
        answers = defaultdict(list)
        for a, b in _intervals(versions):
            for v in _winners(versions, s, a, b):
                answers[id(v)].append((v, a, b))
        for found in answers.values():
            for v, a, b in _join(found):
                if v.said.values is not None and v.kind in kinds:
                    yield Piece(v.said, a, b, _until(versions, s, a, b))


def current_rows(array):
    """The live pieces at the array's last system time (TIME-2)."""
    return list(pieces(array, array.last_time))


def _superseded(versions, v):
    """The first system time from which no part of v answers any more (TIME-10)."""
    if v.kind == ERASED:
        return OPEN_END
    last = max(min((w.system_from for w in versions if w.claims and w.covers(a, b)
                    and w.system_from > v.system_from), default=OPEN_END)
               for a, b in _intervals(versions) if v.covers(a, b))
    return min(last, v.superseded)


def _boxed(versions, box, row):
    """What a deleted box says of a row's key, each piece with its end (TIME-18)."""
    found = []
    for a, b in _intervals(versions):
        times = [v.system_from for v in versions[:versions.index(box)] if v.claims and v.covers(a, b)]
        if box.covers(a, b) and box.system_from not in times:
            found.append((box, a, b, min(times, default=OPEN_END)))
    for _, a, b in _join([piece[:3] for piece in found]):
        yield row._replace(kind=box.kind, system_from=box.system_from, valid_from=a, valid_until=b,
                           values=dict.fromkeys(row.values)), max(p[3] for p in found if a <= p[1] < b)


def stored_rows(array):
    """Every stored row with its end (TIME-10); of a key that has one, deleted boxes too (TIME-18)."""
    for versions in map(_after_erasures, versions_by_key(array).values()):
        row = next((v.said for v in versions if v.said.values is not None), None)
        for v in versions:
            if v.said.values is not None:
                yield v.said, _superseded(versions, v)
            elif row and v.kind == TOMBSTONE:
                yield from _boxed(versions, v, row)
