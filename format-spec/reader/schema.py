"""Schemas: schema.md. And values as Python knows them."""

from dataclasses import dataclass
from math import prod

from . import lane
from .bytes import Damaged, Fields, require, unpack
from .chunk import BYTES, FLOAT, SIGNED, UNSIGNED, WIDE

TABLE, SPARSE, DENSE = 1, 2, 3  # SCHEMA-1
(BOOL, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, FLOAT16, FLOAT32, FLOAT64,
 DECIMAL128, DATE32, TIMESTAMP, DURATION, UTF8, BINARY, FIXED) = range(1, 20)  # SCHEMA-4
LAYOUT = {
    BOOL: (1, UNSIGNED), INT8: (1, SIGNED), INT16: (2, SIGNED), INT32: (4, SIGNED),
    INT64: (8, SIGNED), UINT8: (1, UNSIGNED), UINT16: (2, UNSIGNED), UINT32: (4, UNSIGNED),
    UINT64: (8, UNSIGNED), FLOAT16: (2, FLOAT), FLOAT32: (4, FLOAT), FLOAT64: (8, FLOAT),
    DECIMAL128: (16, WIDE), DATE32: (4, SIGNED), TIMESTAMP: (8, SIGNED), DURATION: (8, SIGNED),
    UTF8: (0, BYTES), BINARY: (0, BYTES),
}
NO_DIMENSION = (BOOL, FLOAT16, DECIMAL128, DURATION, FIXED)  # SCHEMA-7
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


@dataclass
class Schema:
    version: int
    kind: int
    repeated: bool
    valid_time: bool
    tile_order: int
    cell_order: int
    tile_cells: int
    dims: list
    attrs: list


def _type(f):
    t = Type(f.unsigned("type", FIXED), f.unsigned("unit", 3), f.get("zone", str),
             f.unsigned("length", 65535), tuple(f.get("decimal", list)))
    require(t.id >= BOOL, "SCHEMA-4", "type")
    require(t.unit == 0 or t.id in (TIMESTAMP, DURATION), "SCHEMA-4", "unit")
    require(not t.zone or t.id == TIMESTAMP, "SCHEMA-4", "zone")
    require((t.length > 0) == (t.id == FIXED), "SCHEMA-4", "length")
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
    kind = _type(f)
    field = Field(0x100 + f.unsigned("id", 0xeeff), _name(f), kind, nullable=f.get("nullable", bool),
                  fill=_value(f, "fill", kind))
    require(field.fill is not None or field.nullable, "SCHEMA-5", "fill")
    _metadata(f)
    return field


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
    return schema


def _check(s, dims, next_attribute):
    chosen = s.version and s.kind and s.tile_order and s.cell_order and s.tile_cells
    require(chosen, "SCHEMA-1", "schema: a choice is 0")
    require(not s.repeated or s.kind == SPARSE, "SCHEMA-1", "repeated cells")
    require(s.kind != TABLE or not dims, "SCHEMA-2", "table with dimensions")
    require(len(s.dims) in range(s.kind != DENSE, 17) and len(s.attrs) in range(1, 10001), "SCHEMA-7", "counts")
    ids = [field.column for field in s.attrs]
    ascend = all(a < b for a, b in zip(ids, ids[1:]))
    require(ascend and ids[-1] < 0x100 + next_attribute, "SCHEMA-3", "ids of attributes")
    names = [field.name for field in s.dims + s.attrs]
    require(len(set(names)) == len(names), "SCHEMA-7", "names")
    cells = prod(field.extent for field in s.dims)
    require(s.kind != DENSE or cells <= 65536, "SCHEMA-6", "extents")
