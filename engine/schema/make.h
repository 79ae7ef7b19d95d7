/* From a declaration to a schema: the one place that checks, for callers and for files alike. */
#ifndef TEG_ENGINE_SCHEMA_MAKE_H
#define TEG_ENGINE_SCHEMA_MAKE_H
#include "engine/schema/schema.h"

/* A declaration, and what only a stored schema knows. */
struct draft {
	teg_spec spec;
	const uint32_t *attr_ids; /* stable ids k, strictly ascending; NULL: 0, 1, 2 ... */
	uint32_t next_attr_id;    /* with attr_ids */
	uint32_t version;
};

/* Copies everything into `arena`. Errors as schema_from_spec. */
teg_status schema_make(const struct draft *draft, struct arena *arena,
                       const struct schema **schema_out, teg_error *err);

/* Fields of schema_make's own; a part of it by size alone. */
teg_status make_dimension(const teg_dimension *given, uint32_t position, bool dense,
                          struct arena *arena, struct field *field_out, teg_error *err);
teg_status make_attribute(const teg_attribute *given, uint32_t id, struct arena *arena,
                          struct field *field_out, teg_error *err);
/* Name, type and layout of a field; `what` it is for messages. */
teg_status make_base(const char *name, const teg_data_type *type, const char *what,
                     struct arena *arena, struct field *f, teg_error *err);
/* The fields below one whose type has been walked; they take the ids after its own. */
teg_status make_children(struct field *field, struct arena *arena, teg_error *err);
/* Calls `each` (may be NULL) for every node of a declaration in preorder. TEG_SCHEMA: too deep, too
 * many nodes, a list with another number of children than one, a struct without any. */
teg_status attribute_walk(const teg_attribute *attribute,
                          teg_status (*each)(void *ctx, const teg_attribute *node, teg_error *err),
                          void *ctx, size_t *n_nodes_out, teg_error *err);
/* Dense arrays: an extent for every dimension that has none, none beyond its domain, so that a tile
 * has at most `tile_cells` cells where all are chosen here. TEG_SCHEMA above TILE_CELLS_MAX. */
teg_status make_extents(struct field *dims, uint32_t n_dims, uint32_t tile_cells, teg_error *err);
teg_status make_metadata(const teg_metadata *given, size_t n, struct arena *arena,
                         const teg_metadata **metadata_out, teg_error *err);
#endif
