#include "engine/schema/key.h"
#include "codec/base/hash.h"

#define CODE_BITS 40 /* of a hash: of N rows, one in 2^40 / N lookups finds a row too many */
#define INDEX_TILE_CELLS 4096 /* a lookup reads one tile */

uint64_t key_code(const struct field *key, struct span value)
{
	if (key->class == VALUE_BYTES)
		return hash_bytes(value) >> (64 - CODE_BITS);
	return lane_of_value(key->class, value);
}

teg_status key_index_schema(struct arena *arena, const struct schema **schema_out, teg_error *err)
{
	static const teg_dimension code = { .name = "code", .type = { .type = TEG_UINT64 } };
	static const teg_attribute row = { .name = "row", .type = { .type = TEG_INT64 } };
	const teg_spec spec = { .struct_size = sizeof spec,
		                .kind = TEG_SPARSE,
		                .cells = TEG_CELLS_REPEATED,
		                .dimensions = &code,
		                .n_dimensions = 1,
		                .attributes = &row,
		                .n_attributes = 1,
		                .profile = TEG_FAST,
		                .tile_cells = INDEX_TILE_CELLS };

	return schema_from_spec(&spec, arena, schema_out, err);
}
