"""Schemas: schema.md. And values as Python knows them."""

from collections import namedtuple
from dataclasses import dataclass, field as default
from math import prod

from . import lane
from .bytes import Damaged, Fields, ascend, require, unpack
from .chunk import BYTES, FLOAT, OFFSETS, SIGNED, UNSIGNED, WIDE

TABLE, SPARSE, DENSE = 1, 2, 3  # SCHEMA-1
(BOOL, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, FLOAT16, FLOAT32, FLOAT64,
 DECIMAL128, DATE32, TIMESTAMP, DURATION, UTF8, BINARY, FIXED, LIST, FIXED_LIST, STRUCT) = range(1, 23)  # SCHEMA-4
LAYOUT = {
    BOOL: (1, UNSIGNED), INT8: (1, SIGNED), INT16: (2, SIGNED), INT32: (4, SIGNED),
    INT64: (8, SIGNED), UINT8: (1, UNSIGNED), UINT16: (2, UNSIGNED), UINT32: (4, UNSIGNED),
    UINT64: (8, UNSIGNED), FLOAT16: (2, FLOAT), FLOAT32: (4, FLOAT), FLOAT64: (8, FLOAT),
    DECIMAL128: (16, WIDE), DATE32: (4, SIGNED), TIMESTAMP: (8, SIGNED), DURATION: (8, SIGNED),
    UTF8: (0, BYTES), BINARY: (0, BYTES), LIST: (4, OFFSETS), FIXED_LIST: (1, UNSIGNED),
    STRUCT: (1, UNSIGNED),  # NEST-2, NEST-3
}
NO_DIMENSION = (BOOL, FLOAT16, DECIMAL128, DURATION, FIXED, LIST, FIXED_LIST, STRUCT)  # SCHEMA-7
WITH_EXTENT = (*range(INT8, FLOAT16), DATE32, TIMESTAMP)  # SCHEMA-6


@dataclass
class Type:
    id: int
    unit: int
    zone: str
    length: int
    decimal: tuple

    @property
    def width(self):
        return self.length if self.id == FIXED else LAYOUT[self.id][0]

    @property
    def klass(self):
        return BYTES if self.id == FIXED else LAYOUT[self.id][1]

    def value(self, raw):
        """Stored bytes as an int, str or bytes. Of a float it is the bits, so that every NaN is
        itself; of a decimal the scaled integer."""
        if self.klass != BYTES:
            return int.from_bytes(raw, "little", signed=self.klass in (SIGNED, WIDE))
        try:
            return raw.decode() if self.id == UTF8 else raw
        except UnicodeDecodeError as err:
            raise Damaged(f"text that is not UTF-8: {err} (SCHEMA-11)") from err

    def raw(self, value):
        """Back, for coordinates."""
        if self.klass != BYTES:
            return (value % (1 << 8 * self.width)).to_bytes(self.width, "little")
        return value.encode() if self.id == UTF8 else value


@dataclass
class Field:
    column: int  # id of its column in tiles (SCHEMA-3)
    name: str
    type: Type
    lo: bytes = None
    hi: bytes = None
    extent: int = 0
    nullable: bool = False
    fill: bytes = None
    children: list = default(default_factory=list)  # TYPE-1

    def size(self):
        """Values of all fixed-size lists directly in each other (TYPE-6)."""
        return self.type.length * self.children[0].size() if self.type.id == FIXED_LIST else 1

    def zero(self):
        """The value that says nothing (TYPE-5)."""
        if self.children:
            n = {STRUCT: 1, LIST: 0}.get(self.type.id, self.type.length)
            return tuple(child.zero() for child in self.children) * n
        return self.type.value(bytes(self.type.width))


Schema = namedtuple(
    "Schema", "version kind repeated valid_time tile_order cell_order tile_cells dims attrs")


def _type(f):
    t = Type(f.unsigned("type", STRUCT, least=BOOL), f.unsigned("unit", 3), f.get("zone", str),
             f.unsigned("length", 1 << 24), tuple(f.get("decimal", list)))
    require(t.unit == 0 or t.id in (TIMESTAMP, DURATION), "SCHEMA-4", "unit")
    require(not t.zone or t.id == TIMESTAMP, "SCHEMA-4", "zone")
    lengths = {FIXED: range(1, 65536), FIXED_LIST: range((1 << 24) + 1)}.get(t.id, (0,))
    require(t.length in lengths, "SCHEMA-4", "length")
    require(len(t.decimal) == 2, "SCHEMA-4", "decimal")
    precision, scale = t.decimal
    inside = 1 <= precision <= 38 and -128 <= scale <= 127
    require(inside if t.id == DECIMAL128 else (precision, scale) == (0, 0), "SCHEMA-4", "decimal")
    return t


def _name(f):
    name = f.get("name", str)
    control = any(ord(c) < 0x20 or 0x7f <= ord(c) <= 0x9f for c in name)
    require(1 <= len(name.encode()) <= 255 and not control, "SCHEMA-7", f"name {name!r}")
    return name


def _value(f, key, kind):
    raw = f.nullable_bytes(key)
    require(raw is None or not kind.width or len(raw) == kind.width, "SCHEMA-5", f"'{key}'")
    return raw


def _dimension(d, value, dense):
    f = Fields(value, "dimension")
    kind = _type(f)
    if "metadata" in f.map:
        _metadata(f)
    require(kind.id not in NO_DIMENSION, "SCHEMA-7", "type of a dimension")
    field = Field(d, _name(f), kind, _value(f, "lo", kind), _value(f, "hi", kind),
                  f.unsigned("extent"))
    require((field.lo is None) == (field.hi is None), "SCHEMA-5", "half a domain")
    require(field.extent == 0 or kind.id in WITH_EXTENT, "SCHEMA-6", "extent")
    if field.lo is not None:
        least, greatest = lane.of_value(kind, field.lo), lane.of_value(kind, field.hi)
        require(least <= greatest + dense, "SCHEMA-5", "domain")
    if dense:
        require(kind.id in WITH_EXTENT and field.lo is not None, "SCHEMA-6", "dense dimension")
        require(field.extent >= 1, "SCHEMA-6", "dense extent")
    return field


def _attribute(value):
    f = Fields(value, "attribute")
    field = _field(f, 0x100 + f.unsigned("id", 0xeeff))
    nested = field.type.id >= LIST
    nodes = enumerate(f.get("nodes", list) if nested else [], field.column + 1)  # TYPE-3
    _children(field, f.unsigned("children") if nested else 0, nodes, 1)
    require(next(nodes, None) is None, "TYPE-2", "nodes of an attribute")
    field.fill = f.nullable_bytes("fill") if nested else _value(f, "fill", field.type)
    require(not (nested and field.fill), "TYPE-5", "fill of a nested attribute")
    require(field.fill is not None or field.nullable, "SCHEMA-5", "fill")
    return field


def _field(f, column):
    _metadata(f)
    return Field(column, _name(f), _type(f), nullable=f.get("nullable", bool))


def _children(field, n, nodes, depth):
    """Takes the n children of a field, and all below them, off the nodes (TYPE-2)."""
    kind = field.type.id
    require(n == (kind >= LIST) or (kind == STRUCT and n), "TYPE-1", "number of children")
    require(not n or depth < 32, "TYPE-1", "types in each other")
    for _ in range(n):
        column, value = next(nodes, (0, None))
        f = Fields(value, "node")
        field.children.append(_field(f, column))
        _children(field.children[-1], f.unsigned("children"), nodes, depth + 1)
    require(kind != STRUCT or len({c.name for c in field.children}) == n, "TYPE-4", "names of a struct")
    require(field.size() <= 1 << 24, "TYPE-6", "values of a fixed-size list")


def _columns(field):
    return [field.column] + [column for child in field.children for column in _columns(child)]


def _metadata(f):
    items = f.get("metadata", list)
    whole = len(items) % 2 == 0 and all(isinstance(item, bytes) for item in items)
    require(whole, "SCHEMA-8", "metadata")


def row_id():
    """The dimension of a table (SCHEMA-2)."""
    return Field(0, "row_id", Type(INT64, 0, "", 0, (0, 0)))


def parse_schema(data):
    f = Fields(unpack(data, "schema"), "schema")
    kind = f.unsigned("kind", DENSE)
    dims = [_dimension(d, v, kind == DENSE) for d, v in enumerate(f.get("dimensions", list))]
    schema = Schema(f.unsigned("version"), kind, f.unsigned("cells", 1) == 1,
                    f.get("valid_time", bool), f.unsigned("tile_order", 4),
                    f.unsigned("cell_order", 2), f.unsigned("tile_cells", 65536),
                    dims if kind != TABLE else [row_id()],
                    [_attribute(v) for v in f.get("attributes", list)])
    f.unsigned("profile", 2)
    _metadata(f)
    _check(schema, dims, f.unsigned("next_attribute"))
    _check_key(schema, f)
    return schema


def _check_key(schema, f):
    unique = f.get("unique", bool, False)
    require("unique" not in f.map or unique, "SCHEMA-21", "'unique' is there and false")
    if "key" not in f.map:
        require(not unique, "SCHEMA-21", "unique keys of no attribute")
        return
    column = 0x100 + f.unsigned("key", 0xeeff)
    types = [a.type for a in schema.attrs if a.column == column]
    require(schema.kind == TABLE and types, "SCHEMA-20", "key")
    fits = types[0].klass in (SIGNED, UNSIGNED, BYTES) and types[0].id not in (BOOL, DURATION)
    require(fits and types[0].id < LIST, "SCHEMA-20", "type of the key")


def _check(s, dims, next_attribute):
    chosen = s.version and s.kind and s.tile_order and s.cell_order and s.tile_cells
    require(chosen, "SCHEMA-1", "schema: a choice is 0")
    require(not s.repeated or s.kind == SPARSE, "SCHEMA-1", "repeated cells")
    require(s.kind != TABLE or not dims, "SCHEMA-2", "table with dimensions")
    require(len(s.dims) in range(s.kind != DENSE, 17) and s.attrs, "SCHEMA-7", "counts")
    ids = [column for field in s.attrs for column in _columns(field)]
    require(len(ids) <= 10000, "TYPE-1", "attributes and nodes")
    require(ascend(ids) and ids[-1] < 0xf000 and ids[-1] < 0x100 + next_attribute, "SCHEMA-3", "ids of attributes")
    names = [field.name for field in s.dims + s.attrs]
    require(len(set(names)) == len(names), "SCHEMA-7", "names")
    cells = prod(field.extent for field in s.dims)
    require(s.kind != DENSE or cells <= 65536, "SCHEMA-6", "extents")
