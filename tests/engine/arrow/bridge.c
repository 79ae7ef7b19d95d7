/* What round_trip_test.py calls: an Arrow batch in, through the engine's columns, and out again. */
#include <stdio.h>
#include "engine/arrow/export.h"
#include "engine/arrow/import.h"
#include "engine/write/convert.h"

TEG_API int bridge_round_trip(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                              struct ArrowSchema *schema_out, struct ArrowArray *batch_out,
                              char message_out[512]);

static teg_status copy_columns(const struct schema *s, const struct imported *in,
                               struct batch *batch, teg_error *err)
{
	for (uint32_t i = 0; i < s->n_attrs; i++) {
		const struct field *f = &s->attrs[i];

		if (!convert_allowed(&in->columns[i].type, &f->type))
			return teg_fail(err, TEG_SCHEMA, "types differ");
		TEG_TRY(convert_append_field(&in->columns[i], f, in->n_rows, &batch->columns[i],
		                             err));
		TEG_TRY(check_values(f, false, &batch->columns[i], 0, 0, err));
	}
	batch->n_rows = (uint32_t)in->n_rows;
	return TEG_OK;
}

static teg_status export_copy(const struct schema *s, const struct output *outputs,
                              const struct imported *in, struct ArrowArray *batch_out,
                              teg_error *err)
{
	struct batch_pool *pool = batch_pool_new(outputs, s->n_attrs, teg_allocator_default());
	struct batch *batch = pool ? batch_take(pool) : NULL;
	teg_status status = batch ? copy_columns(s, in, batch, err) : TEG_NOMEM;

	if (status == TEG_OK)
		status = batch_export(batch, batch_out, err);
	if (status != TEG_OK && batch)
		batch_give(batch);
	batch_pool_release(pool);
	return status;
}

static teg_status round_trip(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                             struct arena *arena, struct ArrowSchema *schema_out,
                             struct ArrowArray *batch_out, teg_error *err)
{
	const teg_allocator *alloc = teg_allocator_default();
	teg_spec spec = { .struct_size = sizeof spec, .kind = TEG_TABLE }, whole;
	const struct schema *s;
	struct output *outputs;
	struct imported in;
	teg_status status;

	TEG_TRY(spec_from_arrow(&spec, schema, NULL, arena, &whole, err));
	TEG_TRY(schema_from_spec(&whole, arena, &s, err));
	outputs = arena_array(arena, s->n_attrs, sizeof *outputs);
	if (!outputs)
		return TEG_NOMEM;
	for (uint32_t i = 0; i < s->n_attrs; i++)
		outputs[i] = output_of_field(&s->attrs[i]);
	TEG_TRY(import_batch(schema, batch, alloc, &in, err));
	status = export_copy(s, outputs, &in, batch_out, err);
	import_release(&in);
	if (status == TEG_OK)
		status = export_schema(outputs, s->n_attrs, s->metadata, s->n_metadata, alloc,
		                       schema_out, err);
	return status;
}

int bridge_round_trip(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                      struct ArrowSchema *schema_out, struct ArrowArray *batch_out,
                      char message_out[512])
{
	teg_error err = { .message = "" };
	struct arena arena;
	teg_status status;

	arena_init(&arena, teg_allocator_default(), SIZE_MAX);
	status = round_trip(schema, batch, &arena, schema_out, batch_out, &err);
	arena_release(&arena);
	snprintf(message_out, 512, "%s", err.message);
	return status;
}
