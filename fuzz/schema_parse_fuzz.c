/* A schema that parses packs to bytes that parse to the same schema again, and every name in it is
 * found. */
#include "engine/schema/schema.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct schema *schema, struct arena *arena)
{
	const struct schema *again = NULL;
	struct buf packed;

	buf_init(&packed, teg_allocator_default(), BUF_NO_LIMIT);
	schema_pack(schema, &packed);
	must(buf_status(&packed) == TEG_OK);
	must(schema_parse(buf_span(&packed), arena, &again, NULL) == TEG_OK);
	must(!memcmp(schema->identity, again->identity, sizeof schema->identity));
	buf_release(&packed);
	for (uint32_t i = 0; i < schema->n_attrs; i++) {
		must(schema_field(schema, schema->attrs[i].name) == &schema->attrs[i]);
		must(schema_field_by_id(schema, schema->attrs[i].id) == &schema->attrs[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct schema *schema = NULL;
	struct arena arena;
	teg_status status;

	arena_init(&arena, teg_allocator_default(), SIZE_MAX);
	status = schema_parse((struct span){ data, size }, &arena, &schema, NULL);
	must(status == TEG_OK || status == TEG_CORRUPT || status == TEG_UNSUPPORTED);
	if (status == TEG_OK)
		check(schema, &arena);
	arena_release(&arena);
	return 0;
}
