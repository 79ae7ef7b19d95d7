"""Timing, touching, comparing, and saying on what machine."""
import os
import platform
import re
import statistics
import subprocess
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from peers import tegula
from peers.peer import Unsupported


def touch(batches):
    """Sums every byte of every buffer that belongs to the rows, with the same code for every peer.
    Returns (rows, sum)."""
    sum_of = tegula.library().glue_sum
    rows = total = 0
    for batch in batches:
        rows += batch.num_rows
        for column in batch.columns:
            total += touch_column(column, sum_of)
    return rows, total


def touch_column(column, sum_of):
    validity, *buffers = column.buffers()[:3]
    at, n = column.offset, len(column)
    total = 0
    if not n:
        return 0
    if validity is not None:
        total += sum_of(validity.address + at // 8, (n + 7) // 8)
    if pa.types.is_nested(column.type):
        return total + touch_children(column, buffers, sum_of)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        first, last = touched_offsets(column, buffers)
        total += sum_of(buffers[0].address + at * offset_width(column), (n + 1) * offset_width(column))
        return total + (sum_of(buffers[1].address + first, last - first) if last > first else 0)
    # A view holds text of up to 12 bytes itself, which is all the text there is here.
    bits = 128 if pa.types.is_string_view(column.type) else column.type.bit_width
    return total + sum_of(buffers[0].address + at * bits // 8, n * bits // 8)


def offset_width(column):
    return 8 if pa.types.is_large_string(column.type) or pa.types.is_large_list(column.type) else 4


def touched_offsets(column, buffers):
    offsets = np.frombuffer(buffers[0], np.int64 if offset_width(column) == 8 else np.int32)
    return int(offsets[column.offset]), int(offsets[column.offset + len(column)])


def touch_children(column, buffers, sum_of):
    if pa.types.is_struct(column.type):
        return sum(touch_column(child, sum_of) for child in column.flatten())
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        return touch_column(column.values.slice(column.offset * size, len(column) * size), sum_of)
    first, last = touched_offsets(column, buffers)
    width = offset_width(column)
    total = sum_of(buffers[0].address + column.offset * width, (len(column) + 1) * width)
    return total + touch_column(column.values.slice(first, last - first), sum_of)


def same(table, batches, keys=()):
    """Whether the batches hold the rows of `table`, bit for bit; by key where order is the peer's."""
    batches = list(batches)
    other = pa.Table.from_batches(batches) if batches else table.slice(0, 0)
    other = plain(other.select(table.column_names), table.schema)
    if keys:
        table, other = (t.take(pc.sort_indices(t, [(k, "ascending") for k in keys]))
                        for t in (table, other))
    if table.num_rows != other.num_rows:
        return False
    return all(same_column(table[name].combine_chunks(), other[name].combine_chunks())
               for name in table.column_names)


def plain(table, schema):
    """Text in its plain form, so that views of text compare."""
    types = [schema.field(f.name).type if pa.types.is_string_view(f.type) else f.type
             for f in table.schema]
    return table.cast(pa.schema([f.with_type(t) for f, t in zip(table.schema, types)]))


def same_column(a, b):
    a, b = (c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c for c in (a, b))
    if not pc.is_null(a).equals(pc.is_null(b)):
        return False
    if pa.types.is_floating(a.type):  # NaN and -0.0 are bits too
        whole = pa.int64() if a.type.bit_width == 64 else pa.int32()
        a, b = (c.drop_null().view(whole) for c in (a, b))
        return a.equals(b)
    if pa.types.is_nested(a.type):  # by their leaves: what lies in a list is compared by its bits too
        shape = pc.list_value_length if not pa.types.is_struct(a.type) else pc.is_valid
        return shape(a).equals(shape(b).cast(shape(a).type)) and all(
            same_column(x, y) for x, y in zip(leaves(a), leaves(b)))
    return a.equals(b.cast(a.type))


def leaves(column):
    return column.flatten() if pa.types.is_struct(column.type) else [column.flatten()]


class Timings:
    """Seconds by (workload, question, peer), on the wall and of the processor."""

    def __init__(self):
        self.rows, self.cpu = {}, {}

    def add(self, work, question, peer, seconds, cpu=None):
        self.rows.setdefault((work, question), {}).setdefault(peer, []).append(seconds)
        if cpu is not None:
            self.cpu.setdefault((work, question, peer), []).append(cpu)

    def extend(self, work, question, peer, many):
        for seconds in many:
            self.add(work, question, peer, seconds)

    def cpu_median(self, work, question, peer):
        times = self.cpu.get((work, question, peer))
        return statistics.median(times) if times else None

    def json(self):
        return [{"workload": work, "question": question, "peer": peer, "n": len(times),
                 "median_s": statistics.median(times), "min_s": min(times), "max_s": max(times),
                 "cpu_median_s": self.cpu_median(work, question, peer)}
                for (work, question), peers in self.rows.items() for peer, times in peers.items()]


def tilectl():
    """The program of the build that is measured."""
    return os.path.join(os.environ.get("TEG_BUILD_DIR", "build/release"), "tilectl")


class Watch:
    """Starts now; read() gives the seconds on the wall and of this process on the processor."""

    def __init__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self):
        return time.perf_counter() - self.wall, time.process_time() - self.cpu


def interleaved(timings, work, question, peers, repeats, ask):
    """Asks every peer in turn, `repeats` times over. ask(peer) is timed; Unsupported drops a peer."""
    able = list(peers)
    for peer in list(able):  # once untimed: warm, and to see who can
        try:
            ask(peer, 0)
        except Unsupported:
            able.remove(peer)
    for i in range(repeats):
        for peer in able:
            watch = Watch()
            ask(peer, i)
            timings.add(work, question, peer.name, *watch.read())


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return "?"


def from_file(path, pattern):
    try:
        with open(path, encoding="utf-8") as file:
            return next((m[1].strip() for line in file if (m := re.match(pattern, line))), "?")
    except OSError:
        return "?"


def machine(directory):
    """What a reader needs to judge the figures."""
    cache = os.path.join(os.environ.get("TEG_BUILD_DIR", "build/release"), "CMakeCache.txt")
    return {
        "processor": from_file("/proc/cpuinfo", r"model name\s*:\s*(.*)"),
        "cores": len(os.sched_getaffinity(0)),
        "memory": from_file("/proc/meminfo", r"MemTotal:\s*(.*)"),
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": first_line("stat", "-f", "-c", "%T", directory),
        "compiler": first_line(from_file(cache, r"CMAKE_C_COMPILER:[A-Z]+=(.*)"), "--version"),
        "build type": from_file(cache, r"CMAKE_BUILD_TYPE:[A-Z]+=(.*)"),
        "commit": first_line("git", "rev-parse", "--short", "HEAD"),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f} when it began",
    }
