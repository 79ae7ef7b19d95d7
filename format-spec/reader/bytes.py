"""Bounded reading, hashes, packed values: conventions.md."""

from functools import partialmethod

import msgpack
import xxhash


class Damaged(Exception):
    """Bytes that break a sentence of the specification."""


class Unsupported(Exception):
    """Bytes of a newer format (versioning.md)."""


def require(holds, sentence, what):
    if not holds:
        raise Damaged(f"{what} ({sentence})")


def ascend(values):
    return all(a < b for a, b in zip(values, values[1:]))


def hash64(data):
    return xxhash.xxh3_64_intdigest(data)


class Cursor:
    """Takes fields off a piece of bytes, never past its end. Numbers are little-endian (ORDER-1)."""

    def __init__(self, data, what):
        self.data, self.at, self.what = memoryview(data), 0, what

    def left(self):
        return len(self.data) - self.at

    def take(self, n):
        require(n <= self.left(), "PACK-7", f"{self.what}: ends early")
        self.at += n
        return bytes(self.data[self.at - n:self.at])

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    u8 = partialmethod(number, 1)
    u16 = partialmethod(number, 2)
    u32 = partialmethod(number, 4)
    u64 = partialmethod(number, 8)

    def end(self, sentence):
        require(self.left() == 0, sentence, f"{self.what}: {self.left()} bytes are left over")


def check_format(cursor, size, what):
    """Version and required features (VER-2 to VER-4)."""
    major, minor, required = cursor.u16(), cursor.u16(), cursor.number(size)
    if major != 1 or required:
        raise Unsupported(f"{what} of format {major}.{minor}, features {required:#x} (VER-3)")


NODES_MAX, DEPTH_MAX, PAIRS_MAX = 1 << 20, 8, 64  # PACK-4, PACK-5


def _pairs(pairs):
    require(len(pairs) <= PAIRS_MAX, "PACK-4", "map with too many pairs")
    require(all(isinstance(key, str) for key, _ in pairs), "PACK-4", "key that is no text")
    made = dict(pairs)
    require(len(made) == len(pairs), "PACK-4", "key that comes twice")
    return made


def _count(value, depth):
    """Nodes below and including `value`; refuses types and depths that packed bytes do not have."""
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return 1
    require(isinstance(value, (list, dict)), "PACK-2", f"value of type {type(value).__name__}")
    require(depth < DEPTH_MAX, "PACK-5", "too deep")
    if isinstance(value, dict):
        return 1 + len(value) + sum(_count(v, depth + 1) for v in value.values())
    return 1 + sum(_count(v, depth + 1) for v in value)


def unpack(data, what):
    """One packed value, with every rule of PACK checked."""
    try:
        value = msgpack.unpackb(data, raw=False, strict_map_key=True, object_pairs_hook=_pairs)
    except (ValueError, TypeError, msgpack.UnpackException) as err:  # PACK-1, PACK-4, PACK-6, PACK-7
        raise Damaged(f"{what}: not one packed value: {err} (PACK-1)") from err
    require(_count(value, 0) <= NODES_MAX, "PACK-5", f"{what}: too many values")
    # The packer writes the shortest form of everything, so equal bytes mean shortest forms.
    require(msgpack.packb(value) == bytes(data), "PACK-3", f"{what}: a longer form than needed")
    return value


class Fields:
    """The keys of a packed map, taken by name and type; unknown keys are ignored (PACK-7)."""

    def __init__(self, value, what):
        require(isinstance(value, dict), "PACK-2", f"{what}: no map")
        self.map, self.what = value, what

    def get(self, key, kind, default=None):
        value = self.map.get(key, default)
        # In Python a bool is an int; in packed bytes it is not.
        fits = isinstance(value, kind) and (kind is not int or not isinstance(value, bool))
        require(fits, "PACK-2", f"{self.what}: '{key}' is missing or of another type")
        return value

    def unsigned(self, key, most=(1 << 64) - 1, default=None, least=0):
        value = self.get(key, int, default)
        require(least <= value <= most, "PACK-2", f"{self.what}: '{key}' is {value}")
        return value

    def signed(self, key, default=None):
        return self.unsigned(key, (1 << 63) - 1, default, -(1 << 63))

    def nullable_bytes(self, key):
        require(key in self.map, "PACK-2", f"{self.what}: '{key}' is missing")
        return None if self.map[key] is None else self.get(key, bytes)
