"""Tegula through its public C API; batches cross as Arrow C streams, by address.

libarrow is pyarrow's own: nothing of Tegula loads another.
"""
import ctypes
import glob
import os
import time

import numpy as np
import pyarrow as pa

from peers.peer import Peer, Unsupported

TABLE, SPARSE = 1, 2
PROFILES = {"balanced": 0, "fast": 1, "dense": 2}

_library = None


def library():
    global _library
    if _library is None:
        build = os.environ.get("TEG_BUILD_DIR", "build/release")
        path = glob.glob(os.path.join(build, "bench", "libtegula_bench.*"))[0]
        _library = ctypes.CDLL(path)
        _library.glue_error.restype = ctypes.c_char_p
        _library.glue_sum.restype = ctypes.c_uint64
        _library.glue_sum.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        _library.glue_close.restype = _library.glue_as_of.restype = None
        _library.glue_valid_at.restype = None
    return _library


def call(name, *arguments):
    if getattr(library(), name)(*arguments):
        raise RuntimeError(f"{name}: {library().glue_error().decode()}")


def text(value):
    return None if value is None else value.encode()


def names(columns):
    return None if columns is None else ",".join(columns).encode()


def arrow_struct(kind):
    """Room for a struct of the Arrow C interface: so many words of 64 bits, all zero."""
    return (ctypes.c_uint64 * {"stream": 5, "schema": 9, "array": 10}[kind])()


def address(struct):
    return ctypes.addressof(struct)


def pointer(struct):
    return ctypes.byref(struct)  # holds on to it, as a number would not


def int64s(values):
    return (ctypes.c_int64 * len(values))(*values)


def stream_of(table):
    """A new Arrow C stream over a table or a list of batches."""
    stream = arrow_struct("stream")
    if isinstance(table, pa.Table):
        table = table.to_reader()
    table._export_to_c(address(stream))
    return stream


class Tegula(Peer):
    """cache: bytes of pages that the store keeps between reads; mapped: files are mapped, not read."""

    def __init__(self, name, profile, cache=0, mapped=False):
        self.name, self.profile, self.cache, self.mapped = name, profile, cache, mapped

    def version(self):
        library().teg_version.restype = ctypes.c_char_p
        return library().teg_version().decode()

    def write(self, work, directory):
        stream = stream_of(work.table)
        call("glue_import", directory.encode(), b"array", SPARSE if work.dims else TABLE,
             PROFILES[self.profile], names(work.dims) if work.dims else None, text(work.key),
             pointer(stream), None)

    def open(self, work, directory):
        handle = ctypes.c_void_p()
        call("glue_open", directory.encode(), b"array", ctypes.c_size_t(self.cache),
             int(self.mapped), ctypes.byref(handle))
        return handle

    def close(self, handle):
        library().glue_close(handle)

    def write_grid(self, grid, directory):
        call("glue_grid_write", directory.encode(), PROFILES[self.profile], int64s(grid.shape),
             int64s([0] * grid.ndim), ctypes.c_void_p(grid.ctypes.data), ctypes.c_size_t(grid.nbytes))

    def open_grid(self, directory):
        handle = ctypes.c_void_p()
        call("glue_open", directory.encode(), b"grid", ctypes.c_size_t(self.cache),
             int(self.mapped), ctypes.byref(handle))
        return handle

    def read_grid(self, handle, corner, sides):
        out = np.empty(sides, np.float32)
        call("glue_grid_read", handle, int64s(corner), int64s(sides), ctypes.c_void_p(out.ctypes.data),
             ctypes.c_size_t(out.nbytes))
        return out

    def read(self, handle, columns, lo=None, hi=None, where=None):
        stream = arrow_struct("stream")
        call("glue_scan", handle, names(columns), lo and int64s(lo), hi and int64s(hi), text(where),
             pointer(stream))
        return pa.RecordBatchReader._import_from_c(address(stream))

    def scan(self, handle, columns=None):
        return self.read(handle, columns)

    def box(self, handle, columns, lo, hi):
        return self.read(handle, columns, lo, hi)

    def where(self, handle, columns, column, lo, hi):
        return self.read(handle, columns, where=f"{column} between {lo} and {hi}")

    def take(self, handle, rows, columns=None):
        schema, batch = arrow_struct("schema"), arrow_struct("array")
        rows = np.ascontiguousarray(rows, np.int64)
        call("glue_take", handle, ctypes.c_void_p(rows.ctypes.data), ctypes.c_size_t(len(rows)),
             names(columns), pointer(schema), pointer(batch))
        return [pa.RecordBatch._import_from_c(address(batch), address(schema))]

    def find(self, handle, column, value, columns=None):
        schema, batch = arrow_struct("schema"), arrow_struct("array")
        is_text = isinstance(value, str)
        call("glue_find", handle, ctypes.c_int64(0 if is_text else value),
             text(value) if is_text else None, pointer(schema), pointer(batch))
        found = pa.RecordBatch._import_from_c(address(batch), address(schema))
        return [found.select([n for n in found.schema.names if n != "row_id"])]

    def appender(self, batch, directory):
        call("glue_import", directory.encode(), b"array", TABLE, PROFILES[self.profile], None,
             None, pointer(stream_of(pa.Table.from_batches([], batch.schema))), None)
        handle = self.open(None, directory)

        def commit(batch):
            reader = pa.RecordBatchReader.from_batches(batch.schema, [batch])
            call("glue_append", handle, b"array", pointer(stream_of(reader)), None, None)
        commit.close = lambda: self.close(handle)
        return commit

    def put(self, handle, table, row_ids=None):
        """One more commit; the column row_ids names rows to update. Returns its system time."""
        time = ctypes.c_int64()
        call("glue_append", handle, b"array", pointer(stream_of(table)), text(row_ids),
             ctypes.byref(time))
        return time.value

    def delete(self, handle, row_ids):
        call("glue_delete", handle, b"array", int64s(row_ids), ctypes.c_size_t(len(row_ids)))

    def compact(self, handle):
        call("glue_compact", handle)

    def as_of(self, handle, system_time):
        """What is read next; 0: current."""
        library().glue_as_of(handle, ctypes.c_int64(system_time))

    def valid_at(self, handle, time):
        """What is read next; 0: all of valid time."""
        library().glue_valid_at(handle, ctypes.c_int64(time))

    def read_back(self, directory):
        handle = self.open(None, directory)
        try:
            yield from self.read(handle, None)
        finally:
            self.close(handle)

    # ---- the same from C, without Python between the calls ----

    def timed_scan(self, handle, columns, lo, hi, repeats):
        ns, rows, total = (ctypes.c_uint64 * repeats)(), ctypes.c_uint64(), ctypes.c_uint64()
        call("glue_time_scan", handle, names(columns), lo and int64s(lo), hi and int64s(hi), None,
             ctypes.c_size_t(repeats), ns, ctypes.byref(rows), ctypes.byref(total))
        return [n / 1e9 for n in ns]

    def timed_take(self, handle, takes, columns):
        rows = np.ascontiguousarray(np.concatenate(takes), np.int64)
        ns = (ctypes.c_uint64 * len(takes))()
        call("glue_time_take", handle, ctypes.c_void_p(rows.ctypes.data),
             ctypes.c_size_t(len(takes[0])), names(columns), ctypes.c_size_t(len(takes)), ns)
        return [n / 1e9 for n in ns]

    def timed_find(self, handle, values):
        ns = (ctypes.c_uint64 * len(values))()
        is_text = isinstance(values[0], str)
        call("glue_time_find", handle, None if is_text else int64s(values),
             ",".join(values).encode() if is_text else None, ctypes.c_size_t(len(values)), ns)
        return [n / 1e9 for n in ns]

    def timed_open(self, directory, repeats):
        ns = (ctypes.c_uint64 * repeats)()
        call("glue_time_open", directory.encode(), b"array", ctypes.c_size_t(repeats), ns)
        return [n / 1e9 for n in ns]


class Takes(Tegula):
    """Ways to open a store that matter to takes, asked for nothing else."""

    def write(self, work, directory):
        if not work.takes:
            raise Unsupported
        super().write(work, directory)

    def write_grid(self, grid, directory):
        raise Unsupported

    def appender(self, batch, directory):
        raise Unsupported


PEERS = [Tegula("tegula", "balanced"), Tegula("tegula fast", "fast"),
         Takes("tegula fast, mapped", "fast", mapped=True),
         Takes("tegula, mapped, 64 MiB kept", "balanced", 64 << 20, True)]


def timed_commits(directory, commits, rows):
    ns = (ctypes.c_uint64 * commits)()
    call("glue_time_commits", os.path.join(directory, "steps").encode(), ctypes.c_size_t(commits),
         ctypes.c_size_t(rows), ns)
    return [n / 1e9 for n in ns]


def stop_flag():
    return ctypes.c_int(0)


def timed_paced(directory, commits, rows, per_second, stop):
    """Seconds from when each commit was due, and those of all of them."""
    ns, done = (ctypes.c_uint64 * commits)(), ctypes.c_size_t()
    start = time.perf_counter()
    call("glue_time_paced", directory.encode(), b"array", ctypes.c_size_t(commits), ctypes.c_size_t(rows),
         ctypes.c_size_t(per_second), ctypes.byref(stop), ns, ctypes.byref(done))
    return [n / 1e9 for n in ns[:done.value]], time.perf_counter() - start


def timed_raw_commits(directory, commits):
    ns = (ctypes.c_uint64 * commits)()
    call("glue_time_raw_commits", directory.encode(), ctypes.c_size_t(commits), ns)
    return [n / 1e9 for n in ns]
