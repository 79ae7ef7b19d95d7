"""Lanes: values as numbers in the order of their type. statistics.md, LANE."""

import numpy as np

from .chunk import BYTES, SIGNED, UNSIGNED, WIDE

FLIP = np.uint64(1 << 63)
NAN = np.uint64((1 << 64) - 1)


def _of_floats(words, width):
    doubles = words.view(f"<f{width}").astype(np.float64)
    bits = doubles.view(np.uint64)
    lanes = np.where(bits >> np.uint64(63) == 1, ~bits, bits | FLIP)
    lanes[doubles == 0] = FLIP
    lanes[np.isnan(doubles)] = NAN
    return lanes  # LANE-2


def of_words(words, width, klass):
    """Lanes of words that stand for numbers of `width` bytes."""
    if klass == UNSIGNED:
        return words.astype(np.uint64)  # LANE-1
    if klass == SIGNED:
        return words.view(f"<i{width}").astype(np.int64).view(np.uint64) ^ FLIP
    return _of_floats(words, width)


def of_bytes(raw, klass):
    """The lane of one value that is no word."""
    if klass == WIDE:
        return int.from_bytes(raw[8:], "little") ^ 1 << 63  # LANE-4
    return int.from_bytes(raw[:8].ljust(8, b"\0"), "big")  # LANE-3


def of_value(kind, raw):
    """The lane of stored bytes of a type of the schema."""
    if kind.klass in (BYTES, WIDE):
        return of_bytes(raw, kind.klass)
    return int(of_words(np.frombuffer(raw, f"<u{kind.width}"), kind.width, kind.klass)[0])
