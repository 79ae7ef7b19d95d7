"""The engine's public API as far as the tests of the second reader need it, through ctypes."""

import ctypes as c
import os
import pathlib

import pyarrow as pa

BUILD = pathlib.Path(os.environ.get("TEG_BUILD_DIR", "build"))
TABLE, SPARSE, DENSE = 1, 2, 3
INT32, INT64 = 4, 5
OPEN_START, OF_COMMIT, OPEN_END = -(1 << 63), 1 - (1 << 63), (1 << 63) - 1
AS_OF, ALL_VERSIONS = 1, 3


class Struct(c.Structure):
    """With struct_size first, like every options struct."""

    def __init__(self, **fields):
        super().__init__(**fields)
        if self._fields_[0][0] == "struct_size":
            self.struct_size = c.sizeof(self)


class Error(c.Structure):
    _fields_ = [("status", c.c_int), ("os_errno", c.c_int32), ("offset", c.c_int64), ("row", c.c_int64),
                ("file", c.c_char * 96), ("array", c.c_char * 96), ("column", c.c_char * 96),
                ("message", c.c_char * 288)]


class Value(Struct):
    _fields_ = [("type", c.c_int), ("i", c.c_int64), ("len", c.c_size_t)]


class Range(Struct):
    _fields_ = [("lo", Value), ("hi", Value)]


class DataType(Struct):
    _fields_ = [("type", c.c_int), ("unit", c.c_int), ("zone", c.c_char_p), ("fixed_len", c.c_uint32),
                ("precision", c.c_uint8), ("scale", c.c_int8), ("list_size", c.c_uint32),
                ("children", c.c_void_p), ("n_children", c.c_size_t)]


class Dimension(Struct):
    _fields_ = [("name", c.c_char_p), ("type", DataType), ("lo", Value), ("hi", Value),
                ("extent", c.c_uint64), ("metadata", c.c_void_p), ("n_metadata", c.c_size_t)]


class Spec(Struct):
    _fields_ = [("struct_size", c.c_size_t), ("kind", c.c_int), ("cells", c.c_int),
                ("valid_time", c.c_bool), ("dimensions", c.c_void_p), ("n_dimensions", c.c_size_t),
                ("attributes", c.c_void_p), ("n_attributes", c.c_size_t), ("tile_order", c.c_int),
                ("cell_order", c.c_int), ("profile", c.c_int), ("tile_cells", c.c_uint32),
                ("metadata", c.c_void_p), ("n_metadata", c.c_size_t)]


class StoreOptions(Struct):
    _fields_ = [("struct_size", c.c_size_t), ("create", c.c_int), ("read_only", c.c_bool),
                ("allocator", c.c_void_p), ("writer", c.c_char_p), ("write_budget", c.c_size_t),
                ("cache_budget", c.c_size_t), ("max_value_len", c.c_size_t),
                ("max_clock_jump_us", c.c_int64), ("no_auto_compact", c.c_bool), ("os", c.c_void_p)]


class TxnOptions(Struct):
    _fields_ = [("struct_size", c.c_size_t), ("system_time", c.c_int64), ("key_writer", c.c_char_p),
                ("key_sequence", c.c_uint64), ("expect_version", c.c_uint64),
                ("metadata", c.c_void_p), ("n_metadata", c.c_size_t)]


class PutOptions(Struct):
    _fields_ = [("struct_size", c.c_size_t), ("valid_from", c.c_int64), ("valid_until", c.c_int64),
                ("valid_from_column", c.c_char_p), ("valid_until_column", c.c_char_p),
                ("row_id_column", c.c_char_p), ("borrow", c.c_bool), ("fill_missing", c.c_bool)]


class ScanOptions(Struct):
    _fields_ = [("struct_size", c.c_size_t), ("columns", c.c_void_p), ("n_columns", c.c_size_t),
                ("box", c.c_void_p), ("predicate", c.c_void_p), ("mode", c.c_int),
                ("system_time", c.c_int64), ("version", c.c_uint64), ("valid_mode", c.c_int),
                ("valid_at", c.c_int64), ("valid_end", c.c_int64), ("kinds", c.c_uint32),
                ("times", c.c_bool), ("limit", c.c_uint64), ("batch_rows", c.c_uint32),
                ("no_prune", c.c_bool), ("slices", c.c_void_p), ("n_slices", c.c_size_t)]


class Extent(c.Structure):
    _fields_ = [("dimension", c.c_char_p), ("extent", c.c_uint64)]


class CompactOptions(Struct):
    _fields_ = [("struct_size", c.c_size_t), ("array", c.c_char_p), ("by_policy", c.c_bool),
                ("memory", c.c_size_t), ("progress", c.c_void_p), ("progress_ctx", c.c_void_p),
                ("tile_cells", c.c_uint32), ("has_profile", c.c_bool), ("profile", c.c_int),
                ("extents", c.POINTER(Extent)), ("n_extents", c.c_size_t)]


class Column(Struct):
    _fields_ = [("name", c.c_char_p), ("values", c.c_void_p), ("stride", c.c_ssize_t),
                ("offsets", c.c_void_p), ("large_offsets", c.c_void_p), ("validity", c.c_void_p),
                ("validity_bit", c.c_size_t), ("type", DataType), ("children", c.c_void_p),
                ("n_children", c.c_size_t)]


class Refused(Exception):
    pass


class ArrowSchema(c.Structure):
    _fields_ = [("words", c.c_uint64 * 9)]


class ArrowArray(c.Structure):
    _fields_ = [("words", c.c_uint64 * 10)]


class ArrowStream(c.Structure):
    _fields_ = [("words", c.c_uint64 * 5)]


def library():
    return c.CDLL(str(BUILD / "libtegula.so"))


class Engine:
    """One store, open for reading and writing."""

    def __init__(self, path, auto_compact=True):
        self.lib, self.store = library(), c.c_void_p()
        options = StoreOptions(create=2, writer=b"reader_test", no_auto_compact=not auto_compact)
        self.call("teg_store_open", str(path).encode(), c.byref(options), c.byref(self.store))

    def call(self, name, *arguments):
        error = Error()
        status = getattr(self.lib, name)(*arguments, c.byref(error))
        if status:
            raise Refused(f"{name}: {error.message.decode()} {error.array.decode()} {error.column.decode()}")

    def close(self):
        self.lib.teg_store_close(self.store)

    # ---- writing ----

    def begin(self, system_time=0):
        txn, options = c.c_void_p(), TxnOptions(system_time=system_time)
        self.call("teg_txn_begin", self.store, c.byref(options), c.byref(txn))
        return txn

    def commit(self, txn):
        self.call("teg_txn_commit", txn, None)

    def create(self, txn, name, schema, kind, dims=(), roles=None, **choices):
        """dims: (name, lo, hi, extent); lo None: no domain. Types come from the Arrow schema."""
        made = (Dimension * max(1, len(dims)))()
        for at, (dim, lo, hi, extent) in zip(made, dims):
            at.name, at.extent = dim.encode(), extent
            if lo is not None:
                at.lo, at.hi = Value(type=INT32, i=lo), Value(type=INT32, i=hi)
        spec = Spec(kind=kind, dimensions=c.addressof(made), n_dimensions=len(dims), **choices)
        arrow = ArrowSchema()
        schema._export_to_c(c.addressof(arrow))
        try:
            self.call("teg_txn_create_from_arrow", txn, name.encode(), c.byref(spec), c.byref(arrow),
                      c.byref(roles) if roles else None)
        finally:
            pa.Schema._import_from_c(c.addressof(arrow))

    def put(self, txn, name, batch, **options):
        schema, array, put = ArrowSchema(), ArrowArray(), PutOptions(**options)
        batch._export_to_c(c.addressof(array), c.addressof(schema))
        try:
            self.call("teg_txn_put_arrow", txn, name.encode(), c.byref(schema), c.byref(array),
                      c.byref(put))
        finally:
            pa.RecordBatch._import_from_c(c.addressof(array), c.addressof(schema))

    def delete(self, txn, name, keys, **options):
        """keys: name -> numpy array of the dimension's own type."""
        columns = (Column * len(keys))()
        for column, (key, values) in zip(columns, keys.items()):
            column.name, column.values = key.encode(), values.ctypes.data
        n, put = len(next(iter(keys.values()))), PutOptions(**options)
        self.call("teg_txn_delete", txn, name.encode(), columns, c.c_size_t(len(keys)), c.c_size_t(n),
                  c.byref(put))

    def delete_box(self, txn, name, kind, ranges, **options):
        box = (Range * len(ranges))()
        for at, (lo, hi) in zip(box, ranges):
            at.lo, at.hi = Value(type=kind, i=lo), Value(type=kind, i=hi)
        put = PutOptions(**options)
        self.call("teg_txn_delete_box", txn, name.encode(), box, c.byref(put))

    def compact(self, extents=None, **options):
        if extents:
            made = [Extent(dim.encode(), extent) for dim, extent in extents.items()]
            options.update(extents=(Extent * len(made))(*made), n_extents=len(made))
        self.call("teg_compact", self.store, c.byref(CompactOptions(**options)), None)

    # ---- reading ----

    def open(self, name):
        """An array of the newest version, which outlives its snapshot; for teg_array_close."""
        snapshot, array = c.c_void_p(), c.c_void_p()
        self.call("teg_snapshot_open", self.store, c.byref(snapshot))
        try:
            self.call("teg_array_open", snapshot, name.encode(), c.byref(array))
        finally:
            self.lib.teg_snapshot_close(snapshot)
        return array

    def scan(self, name, **options):
        """A pyarrow table of what a scan gives, times included."""
        snapshot, array, scan = c.c_void_p(), c.c_void_p(), c.c_void_p()
        stream, how = ArrowStream(), ScanOptions(times=True, **options)
        try:
            self.call("teg_snapshot_open", self.store, c.byref(snapshot))
            self.call("teg_array_open", snapshot, name.encode(), c.byref(array))
            self.call("teg_scan_open", array, c.byref(how), c.byref(scan))
            self.call("teg_scan_stream", scan, c.byref(stream))
        finally:
            self.lib.teg_array_close(array)
            self.lib.teg_snapshot_close(snapshot)
        try:
            return pa.RecordBatchReader._import_from_c(c.addressof(stream)).read_all()
        except (pa.ArrowException, OSError) as err:
            raise Refused(str(err)) from err
