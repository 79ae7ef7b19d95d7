#include "engine/unique/unique.h"
#include <stdio.h>
#include "codec/base/sort.h"
#include "engine/arrow/import.h"
#include "engine/scan/scan.h"
#include "engine/schema/key.h"
#include "engine/unique/codes.h"
#include "engine/write/convert.h"

#define NEAR_ROWS 1024 /* ids so close together are read as one range */

/* What a row says at the array's last system time: a piece of its validity with one key. */
struct holder {
	int64_t row, valid_from, valid_until;
	struct span key; /* in the arena */
};

struct holders {
	struct holder *at;
	size_t n, cap;
};

struct checking {
	struct teg_array *array;
	const struct field *key;
	const teg_allocator *alloc;
	const struct code_rows *rows; /* of one block */
	int64_t *ids;                 /* of these rows, ascending, each once */
	size_t n_ids, next_id;
	struct arena arena;
	struct holders holders;
	struct clash *clash;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to compare keys");
}

/* ---- the rows ---- */

static teg_status list_ids(struct checking *c, teg_error *err)
{
	size_t kept = 0;

	c->ids = mem_array(c->alloc, c->rows->n, sizeof *c->ids);
	if (!c->ids)
		return no_memory(err);
	for (size_t i = 0; i < c->rows->n; i++)
		c->ids[i] = c->rows->at[i].row;
	if (!sort_array(c->alloc, c->ids, c->rows->n, sizeof *c->ids, sort_i64_swapped, NULL))
		return no_memory(err);
	for (size_t i = 0; i < c->rows->n; i++)
		if (!kept || c->ids[kept - 1] != c->ids[i])
			c->ids[kept++] = c->ids[i];
	c->n_ids = kept;
	return TEG_OK;
}

/* Whether the row is among those asked for. Rows come ascending, the pieces of one together. */
static bool is_asked_for(struct checking *c, int64_t row)
{
	while (c->next_id < c->n_ids && c->ids[c->next_id] < row)
		c->next_id++;
	return c->next_id < c->n_ids && c->ids[c->next_id] == row;
}

static teg_status keep_holder(struct checking *c, const struct holder *from, teg_error *err)
{
	struct holders *h = &c->holders;
	void *block = h->at;

	if (!mem_grow(c->alloc, &block, &h->cap, h->n + 1, sizeof *h->at))
		return no_memory(err);
	h->at = block;
	h->at[h->n] = *from;
	h->at[h->n].key = arena_copy(&c->arena, from->key);
	if (!h->at[h->n].key.at)
		return no_memory(err);
	h->n++;
	return TEG_OK;
}

/* An open end is null in a batch. */
static int64_t time_at(const teg_column *column, size_t i, int64_t open)
{
	size_t bit = column->validity_bit + i;

	if (column->validity && !bitmap_get(column->validity, bit))
		return open;
	return (int64_t)load_u64((const uint8_t *)column->values + 8 * i);
}

static teg_status keep_holders(struct checking *c, const struct imported *in,
                               const struct column *keys, teg_error *err)
{
	for (size_t i = 0; i < in->n_rows; i++) {
		struct holder holder = { .row = time_at(&in->columns[0], i, 0),
			                 .valid_from = INT64_MIN,
			                 .valid_until = INT64_MAX };

		if (!is_asked_for(c, holder.row) || !column_valid(keys, i))
			continue;
		if (c->array->state.schema->valid_time) {
			holder.valid_from = time_at(&in->columns[2], i, INT64_MIN);
			holder.valid_until = time_at(&in->columns[3], i, INT64_MAX);
		}
		holder.key = column_value(keys, i);
		TEG_TRY(keep_holder(c, &holder, err));
	}
	return TEG_OK;
}

static teg_status take_batch(struct checking *c, const struct ArrowSchema *schema,
                             const struct ArrowArray *batch, teg_error *err)
{
	struct column_buf keys;
	struct column view;
	struct imported in;
	teg_status status;

	TEG_TRY(import_batch(schema, batch, c->alloc, &in, err));
	column_buf_init_as(&keys, field_layout(c->key), c->alloc);
	status = convert_append_field(&in.columns[1], c->key, in.n_rows, &keys, err);
	view = column_buf_view(&keys);
	if (status == TEG_OK)
		status = keep_holders(c, &in, &view, err);
	column_buf_release(&keys);
	import_release(&in);
	return status;
}

static teg_status read_batches(struct checking *c, teg_scan *scan, teg_error *err)
{
	struct ArrowSchema schema = { 0 };
	struct ArrowArray batch;
	teg_status status = teg_scan_schema(scan, &schema, err);

	while (status == TEG_OK) {
		status = teg_scan_next(scan, &batch, err);
		if (status != TEG_OK)
			break;
		status = take_batch(c, &schema, &batch, err);
		batch.release(&batch);
	}
	if (schema.release)
		schema.release(&schema);
	return status == TEG_END ? TEG_OK : status;
}

static teg_status read_range_of(struct checking *c, int64_t first, int64_t last, teg_error *err)
{
	const struct schema *schema = c->array->state.schema;
	const char *columns[] = { schema->dims[0].name, c->key->name, "valid_from", "valid_until" };
	teg_range box = { { .type = TEG_INT64, .as.i = first },
		          { .type = TEG_INT64, .as.i = last } };
	teg_scan_options options = { .struct_size = sizeof options,
		                     .columns = columns,
		                     .n_columns = schema->valid_time ? 4 : 2,
		                     .box = &box };
	teg_scan *scan;
	teg_status status;

	TEG_TRY(teg_scan_open(c->array, &options, &scan, err));
	status = read_batches(c, scan, err);
	teg_scan_close(scan);
	return status;
}

static teg_status read_rows(struct checking *c, teg_error *err)
{
	TEG_TRY(list_ids(c, err));
	c->next_id = 0;
	for (size_t i = 0, k; i < c->n_ids; i = k) {
		for (k = i + 1; k < c->n_ids && c->ids[k] - c->ids[k - 1] <= NEAR_ROWS; k++)
			;
		TEG_TRY(read_range_of(c, c->ids[i], c->ids[k - 1], err));
	}
	return TEG_OK;
}

/* ---- who holds what ---- */

static bool swapped(const void *ctx, const void *a, const void *b)
{
	const struct holder *x = a, *y = b;
	int order = span_compare(x->key, y->key);

	(void)ctx;
	return order ? order > 0 : x->valid_from > y->valid_from;
}

static void put_key(const struct field *key, struct span value, char *out, size_t room)
{
	teg_value v = value_of_bytes(key, value);
	size_t len = 0;

	if (key->type.type == TEG_UTF8) {
		snprintf(out, room, "'%.*s'", (int)(value.len < room - 3 ? value.len : room - 3),
		         (const char *)value.at);
	} else if (key->class == VALUE_BYTES) {
		len = (size_t)snprintf(out, room, "x'");
		for (size_t i = 0; i < value.len && len + 4 < room; i++)
			len += (size_t)snprintf(out + len, room - len, "%02x", value.at[i]);
		snprintf(out + len, room - len, "'");
	} else if (key->class == VALUE_UNSIGNED) {
		snprintf(out, room, "%llu", (unsigned long long)v.as.u);
	} else {
		snprintf(out, room, "%lld", (long long)v.as.i);
	}
}

/* Until two meet, the pieces of one key are disjoint: each is held against the one before. */
static teg_status compare(struct checking *c, teg_error *err)
{
	struct holder *h = c->holders.at;

	if (!sort_array(c->alloc, h, c->holders.n, sizeof *h, swapped, NULL))
		return no_memory(err);
	for (size_t i = 1; i < c->holders.n && !c->clash->found; i++) {
		int64_t a = h[i - 1].row, b = h[i].row;

		if (a == b || !span_equal(h[i - 1].key, h[i].key) ||
		    h[i].valid_from >= h[i - 1].valid_until)
			continue;
		c->clash->found = true;
		c->clash->rows[0] = a < b ? a : b;
		c->clash->rows[1] = a < b ? b : a;
		put_key(c->key, h[i].key, c->clash->key, sizeof c->clash->key);
	}
	return TEG_OK;
}

static teg_status check_rows(void *ctx, const struct code_rows *rows, teg_error *err)
{
	struct checking *c = ctx;
	teg_status status;

	if (c->clash->found)
		return TEG_OK;
	c->rows = rows;
	c->holders.n = 0;
	arena_init(&c->arena, c->alloc, SIZE_MAX);
	status = read_rows(c, err);
	if (status == TEG_OK)
		status = compare(c, err);
	arena_release(&c->arena);
	mem_free(c->alloc, c->ids, rows->n * sizeof *c->ids);
	c->ids = NULL;
	return status;
}

teg_status unique_check(struct teg_array *array, uint64_t since, struct clash *clash_out,
                        teg_error *err)
{
	struct checking c = { .array = array,
		              .key = array->state.schema->key,
		              .alloc = array->arena.alloc,
		              .clash = clash_out };
	teg_status status;

	*clash_out = (struct clash){ .found = false };
	status = codes_find(array, since, check_rows, &c, err);
	mem_free(c.alloc, c.holders.at, c.holders.cap * sizeof *c.holders.at);
	return status;
}
