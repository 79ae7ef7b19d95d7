/* The schema of an array: what teg_spec declares, checked, with everything derived that the engine
 * asks for all day: the column shape, value class and lane of each type. Immutable once made; lives
 * in its arena. format-spec/schema.md, SCHEMA-1 and on.
 *
 * Attributes have stable ids, given once and never again. Dimensions come first, by position. The
 * id of a column in a tile is its field's id; the engine's own columns have ids of their own.
 *
 * A nested attribute is a tree of fields. Each node has a stable id of its own and a column in a
 * tile, numbered in preorder: the attribute's k, then the nodes below it k + 1 and on.
 *
 *   id  0x000 + d         dimension d
 *       0x100 + k         attribute, or node of one, with stable id k
 *       0xf000 ...        time, kind, presence
 */
#ifndef TEG_ENGINE_SCHEMA_SCHEMA_H
#define TEG_ENGINE_SCHEMA_SCHEMA_H
#include "codec/base/arena.h"
#include "codec/base/buf.h"
#include "codec/column/page.h"
#include "codec/tile/tile.h"
#include "engine/tegula.h"

#define COLUMN_ID_ATTRIBUTE 0x100u
#define COLUMN_ID_SYSTEM_FROM 0xf000u  /* int64 us; absent in fresh segments */
#define COLUMN_ID_SUPERSEDED 0xf001u   /* int64 us, INT64_MAX: open; only in compacted segments */
#define COLUMN_ID_VALID_FROM 0xf002u   /* int64 us; TEG_TIME_OF_COMMIT: = system_from */
#define COLUMN_ID_VALID_UNTIL 0xf003u  /* int64 us */
#define COLUMN_ID_KIND 0xf004u         /* uint8: enum row_kind */
#define COLUMN_ID_EXACT 0xf005u        /* uint8: 1 = one rectangle in S x V; only compacted */
#define COLUMN_ID_PRESENCE 0xf006u     /* uint8, dense tiles: 1 = the cell has a row */
#define COLUMN_ID_SYSTEM_UNTIL 0xf007u /* computed, never stored */
#define COLUMN_ID_CHANGE 0xf008u       /* likewise: teg_change */
#define COLUMN_ID_BOX_END 0xf100u      /* + d, likewise: a box's upper corner in dimension d */
#define BOX_END_PREFIX "box_end."      /* before the dimension's name */

#define SCHEMA_ATTRIBUTES_MAX 10000        /* nodes of nested attributes counted */
#define SCHEMA_VALUES_MAX CHUNK_VALUES_MAX /* values of a node in one row */
#define NAME_LEN_MAX 255                   /* bytes */

struct field {
	const char *name;
	uint32_t id; /* column id, see above */
	teg_data_type type;
	bool nullable; /* dimensions never are */
	enum column_shape shape;
	uint32_t width;
	enum value_class class;
	struct span
		fill; /* attributes: bytes of the fill value; .at NULL: null. Nested: no bytes */
	const teg_metadata *metadata;
	size_t n_metadata;
	/* dimensions */
	bool has_domain;
	uint64_t lo, hi; /* lanes, inclusive; 0 and UINT64_MAX without a domain */
	teg_value lo_value, hi_value;
	uint64_t extent; /* 0: none */
	/* nested types */
	uint32_t n_children;
	const struct field *children;
	const struct column_layout *nested; /* of the children */
};

static inline struct column_layout field_layout(const struct field *f)
{
	return (struct column_layout){ f->shape, f->width, f->n_children, f->nested };
}

struct schema {
	teg_kind kind;
	teg_cells cells;
	bool valid_time;
	uint32_t n_dims, n_attrs;
	struct field *dims; /* TABLE: row_id */
	struct field *attrs;
	uint32_t next_attr_id;
	teg_order tile_order, cell_order; /* never DEFAULT */
	teg_profile profile;
	uint32_t tile_cells;
	const teg_metadata *metadata;
	size_t n_metadata;
	const struct rule *rules; /* engine/schema/rule.h */
	uint32_t n_rules;
	const struct field *key; /* the attribute that segments index; NULL: none */
	bool key_unique;         /* no two live rows with one value of it: engine/unique */
	uint32_t version;        /* 1, and one more with each change */
	uint8_t identity[16];    /* of the content, the array's name left out */
	teg_spec spec;           /* the same as the public struct, for teg_array_spec */
	uint32_t *slots;         /* of schema_field: column positions + 1 by hash of the name */
	uint32_t n_slots;        /* a power of two */
};

static inline bool type_is_nested(teg_type type)
{
	return type >= TEG_LIST && type <= TEG_STRUCT;
}
/* Shape, width and class of a type, children not looked at; false where the type is none of ours. */
bool type_layout(const teg_data_type *type, enum column_shape *shape_out, uint32_t *width_out,
                 enum value_class *class_out);
/* "timestamp[us, UTC]", "decimal128(10, 2)", "list<struct<a: int64>>": up to `room` bytes with the
 * terminator. */
void type_name(const teg_data_type *type, char *name_out, size_t room);
/* True where both store the same bits with the same meaning. */
bool type_equal(const teg_data_type *a, const teg_data_type *b);

/* Checks a declaration and makes the schema. TEG_SCHEMA with the column named: no dimensions or
 * attributes, duplicate or bad names, lo above hi, NaN or mistyped bounds, an extent where none can
 * be, too many dimensions, a dense array without domain; TEG_UNSUPPORTED types. */
teg_status schema_from_spec(const teg_spec *spec, struct arena *arena,
                            const struct schema **schema_out, teg_error *err);

/* msgpack, and back with the same checks (TEG_CORRUPT). */
void schema_pack(const struct schema *schema, struct buf *out);
teg_status schema_parse(struct span bytes, struct arena *arena, const struct schema **schema_out,
                        teg_error *err);

/* Nodes of the field, itself included. */
uint32_t field_nodes(const struct field *field);
/* The field of that name, dimensions first; NULL. */
const struct field *schema_field(const struct schema *schema, const char *name);
const struct field *schema_field_by_id(const struct schema *schema, uint32_t id);
/* A node of an attribute or, as above, any other field. */
const struct field *schema_node_by_id(const struct schema *schema, uint32_t id);
/* "geometry.item.x": the names from the attribute down to the node of that id. */
void schema_node_path(const struct schema *schema, uint32_t id, char *path_out, size_t room);

/* A name of an array or column: 1 to 255 bytes of valid UTF-8 without control characters.
 * TEG_MISUSE says what is wrong with it. */
teg_status name_check(const char *name, const char *what, teg_error *err);

/* The lane of `value` in that field; false where the value's type does not fit the field or the
 * value is out of the type's range. For text and bytes the lane of the first eight bytes. */
bool value_lane(const struct field *field, const teg_value *value, uint64_t *lane_out);
/* The stored bytes of `value` in that field, into 16 bytes of `room` or pointing into the value. */
bool value_bytes(const struct field *field, const teg_value *value, uint8_t room[16],
                 struct span *bytes_out);
/* Packs `key` and those bytes; nil for a value that is none. */
void value_pack(const char *key, const struct field *field, const teg_value *value,
                struct buf *out);
/* And back: the value that those bytes mean. */
teg_value value_of_bytes(const struct field *field, struct span bytes);
/* The value of a lane (numbers and times); for text the prefix, which points to `room`. */
teg_value value_of_lane(const struct field *field, uint64_t lane, uint8_t room[8]);
#endif
