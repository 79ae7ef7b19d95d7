/* The inspection walk over stored values, for those who search for what must not be there. */
#include "engine/store/store.h"
#include "engine/tegula_unstable.h"

struct value_walk {
	teg_array *array;
	struct segment *segment;
	struct tile_reader reader;
	bool (*each)(void *, const char *, teg_type, const void *, size_t);
	void *ctx;
	teg_error *err;
};

/* Of a nested column the leaves, one after the other. False: enough. */
static bool show_values(struct value_walk *w, const struct field *field,
                        const struct column_buf *values, const char *name)
{
	size_t len = values->shape == COLUMN_FIXED ? values->n * values->width
	             : values->n && values->shape == COLUMN_BYTES
	                     ? (size_t)values->offsets[values->n]
	                     : 0;

	if (len && !w->each(w->ctx, name, field->type.type, values->values, len))
		return false;
	for (uint32_t i = 0; i < values->n_children && values->children; i++)
		if (!show_values(w, &field->children[i], &values->children[i], name))
			return false;
	return true;
}

static teg_status show_field(struct value_walk *w, const struct tile *tile,
                             const struct field *field)
{
	struct column_buf values;
	teg_status status;

	column_buf_init_as(&values, field_layout(field), w->array->arena.alloc);
	status = tile_read_column(&w->reader, tile, field->id, 0, tile->header.n_rows, &values,
	                          w->err);
	if (status == TEG_OK && !show_values(w, field, &values, field->name))
		status = TEG_END;
	column_buf_release(&values);
	return status;
}

static teg_status show_tile(void *ctx, const struct index_entry *entry, uint64_t number)
{
	struct value_walk *w = ctx;
	const struct schema *schema = w->array->state.schema;
	struct tile tile;
	teg_status status = TEG_OK;

	(void)number;
	if (entry->shape == TILE_BOX)
		return TEG_OK;
	TEG_TRY(tile_open(&tile, w->segment, entry, w->array->arena.alloc, w->err));
	for (uint32_t d = 0; d < schema->n_dims && status == TEG_OK; d++)
		status = show_field(w, &tile, &schema->dims[d]);
	for (uint32_t a = 0; a < schema->n_attrs && status == TEG_OK; a++)
		status = show_field(w, &tile, &schema->attrs[a]);
	tile_release(&tile);
	return status;
}

teg_status teg_walk_values(teg_array *array,
                           bool (*each)(void *ctx, const char *column, teg_type type,
                                        const void *bytes, size_t len),
                           void *ctx, teg_error *err)
{
	struct value_walk w = { .array = array, .each = each, .ctx = ctx, .err = err };
	teg_status status = TEG_OK;

	if (!array || !each)
		return teg_fail(err, TEG_MISUSE, "a walk needs an array and a callback");
	TEG_TRY(tile_reader_init(&w.reader, array->arena.alloc, err));
	for (uint32_t i = 0; i < array->state.n_segments && status == TEG_OK; i++) {
		status = array_segment(array, i, &w.segment, err);
		if (status == TEG_OK)
			status = segment_walk(w.segment, NULL, show_tile, &w, NULL, err);
	}
	tile_reader_release(&w.reader);
	if (status == TEG_OK || status == TEG_END)
		return TEG_OK;
	return error_in_array(err, status, array->state.name);
}
