"""Bit-packed words and FOR streams: encodings.md, BITS and FOR."""

import numpy as np

from .bytes import ascend, require

BLOCK = 1024


def word(bits):
    return np.dtype(f"<u{bits // 8}")


def block_lengths(n):
    """The words of each block of a stream of n (PAGE-2, FOR-1)."""
    return [min(BLOCK, n - start) for start in range(0, n, BLOCK)]


def _weigh(bits):
    """Rows of bits, lowest first, as numbers."""
    weights = np.left_shift(np.uint64(1), np.arange(bits.shape[-1], dtype=np.uint64))
    return (bits.astype(np.uint64) * weights).sum(axis=-1, dtype=np.uint64)


def _unpack_stream(packed, m, w):
    """Fewer than 1024 words: one stream of bits (BITS-1)."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    require(not bits[m * w:].any(), "BITS-2", "bits after the last word")
    return _weigh(bits[:m * w].reshape(m, w))


def _unpack_lanes(packed, w, t):
    """1024 words: word i at row i / L of lane i mod L; lane words interleaved (BITS-3 to BITS-5)."""
    lanes = BLOCK // t
    words = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little").reshape(w, lanes, t)
    rows = words.transpose(1, 0, 2).reshape(lanes, t, w)
    return _weigh(rows).T.reshape(BLOCK)


def _unpack_block(cursor, m, w, t):
    packed = cursor.take((m * w + 7) // 8)
    if w == 0:
        return np.zeros(m, np.uint64)
    return _unpack_lanes(packed, w, t) if m == BLOCK else _unpack_stream(packed, m, w)


def for_stream(cursor, n, t):
    """n words of t bits (FOR-1 to FOR-4)."""
    lengths = block_lengths(n)
    widths = [cursor.u8() for _ in lengths]
    require(all(w <= t for w in widths), "FOR-2", f"{cursor.what}: width above {t}")
    bases = [cursor.number(t // 8) for _ in lengths]
    words = np.empty(n, word(t))
    for b, (m, w) in enumerate(zip(lengths, widths)):
        # Conversion to t bits is addition modulo 2^t.
        block = _unpack_block(cursor, m, w, t) + np.uint64(bases[b])
        words[b * BLOCK:b * BLOCK + m] = block.astype(word(t))
    return words


def delta_stream(cursor, n, t):
    """n words of t bits, each block from its first value on (DELTA-1 to DELTA-4)."""
    firsts = [cursor.number(t // 8) for _ in block_lengths(n)]
    steps = for_stream(cursor, n, t)
    for b, m in enumerate(block_lengths(n)):
        block = steps[b * BLOCK:b * BLOCK + m]
        block[0] = firsts[b]
        block[:] = np.cumsum(block, dtype=word(t))
    return steps


def patch(cursor, words, t):
    """The words with a page's exceptions over them (EXC-1 to EXC-3)."""
    lengths = block_lengths(len(words))
    counts = [cursor.u16() for _ in lengths]
    where = []
    for b, count in enumerate(counts):
        places = [cursor.u16() for _ in range(count)]
        fit = ascend(places) and all(p < lengths[b] for p in places)
        require(fit, "EXC-2", f"{cursor.what}: places")
        where += [b * BLOCK + p for p in places]
    words[where] = for_stream(cursor, len(where), t)
    return words
