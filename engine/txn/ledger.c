/* Rows of a ledger, of which some are boxes (engine/scan/boxes.h writes them): cells are staged as any
 * row is, boxes become box tiles with the system time that they bring. */
#include <string.h>
#include "engine/order/order.h"
#include "engine/txn/txn.h"
#include "engine/write/convert.h"

struct ledger {
	struct teg_txn *txn;
	struct txn_array *array;
	const struct stage_options *options;
	teg_column *cells; /* the columns but the boxes' ends */
	size_t n_cells;
	const teg_column *ends[TEG_MAX_DIMENSIONS]; /* NULL: none */
	uint32_t n_ends;
	struct rows rows; /* of a call that has boxes or takes some rows alone, all of them */
	uint8_t *boxes;   /* one per row: it is one */
	uint32_t *at;     /* those that are cells and are taken */
	uint32_t n_at;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for rows of a ledger");
}

/* ---- which rows are boxes ---- */

static const teg_column **end_of(struct ledger *l, const char *name)
{
	const struct schema *schema = l->array->schema;
	size_t prefix = strlen(BOX_END_PREFIX);

	if (!name || strncmp(name, BOX_END_PREFIX, prefix) != 0 || schema_field(schema, name))
		return NULL;
	for (uint32_t d = 0; d < schema->n_dims; d++)
		if (!strcmp(name + prefix, schema->dims[d].name))
			return &l->ends[d];
	return NULL;
}

static teg_status split_columns(struct ledger *l, const teg_column *columns, size_t n,
                                teg_error *err)
{
	for (size_t i = 0; i < n; i++) {
		const teg_column **end = end_of(l, columns[i].name);

		if (!end) {
			l->cells[l->n_cells++] = columns[i];
			continue;
		}
		if (*end)
			return refuse_value(err, TEG_SCHEMA, columns[i].name, -1,
			                    "the column comes twice");
		*end = &columns[i];
		l->n_ends++;
	}
	return TEG_OK;
}

static bool has_end(const teg_column *end, size_t i)
{
	return end && (!end->validity || bitmap_get(end->validity, end->validity_bit + i));
}

static teg_status find_boxes(struct ledger *l, size_t n, bool *any_out, teg_error *err)
{
	const struct schema *schema = l->array->schema;

	for (size_t i = 0; i < n; i++) {
		uint32_t ends = 0, without = 0;

		for (uint32_t d = 0; d < schema->n_dims; d++) {
			bool has = has_end(l->ends[d], i);

			ends += has;
			without = has ? without : d;
		}
		l->boxes[i] = ends > 0;
		*any_out |= ends > 0;
		if (ends && ends < schema->n_dims)
			return refuse_value(err, TEG_SCHEMA, schema->dims[without].name, (int64_t)i,
			                    "a box ends in every dimension");
		if (ends && txn_has_text(schema))
			return refuse_value(err, TEG_SCHEMA, schema->dims[0].name, (int64_t)i,
			                    "there are no boxes where a dimension is text");
	}
	return TEG_OK;
}

static bool takes_some(const struct ledger *l)
{
	return l->options->put->system_after || l->options->put->system_through;
}

static bool is_taken(const struct ledger *l, uint32_t i)
{
	const teg_put_options *put = l->options->put;
	int64_t time = rows_system_from(&l->rows, i);

	return !takes_some(l) || (time > put->system_after && time <= put->system_through);
}

/* ---- boxes ---- */

static teg_status read_end(const struct ledger *l, uint32_t d, size_t n, struct column_buf *out,
                           teg_error *err)
{
	const teg_column *end = l->ends[d];
	const struct field *dim = &l->array->schema->dims[d];
	const teg_data_type *from = end->type.type ? &end->type : &dim->type;

	column_buf_init(out, dim->shape, dim->width, l->rows.alloc);
	if (!convert_allowed(from, &dim->type))
		return refuse_value(err, TEG_SCHEMA, end->name, -1,
		                    "the type is not that of the dimension");
	return convert_append(end, from, &dim->type, n, out, err);
}

static uint64_t lane_at(const struct column_buf *column, enum value_class class, uint32_t i)
{
	struct column view = column_buf_view(column);

	return lane_of_value(class, column_value(&view, i));
}

static teg_status add_box(struct ledger *l, const struct column_buf *ends, uint32_t i,
                          teg_error *err)
{
	const struct schema *schema = l->array->schema;
	struct row_box box = { .kind = rows_kind(&l->rows, i),
		               .system_from = rows_system_from(&l->rows, i),
		               .valid_from = rows_valid_from(&l->rows, i),
		               .valid_until = rows_valid_until(&l->rows, i) };

	if (box.kind == ROW_LIVE)
		return refuse_value(err, TEG_SCHEMA, l->ends[0]->name, i,
		                    "a box is deleted or erased, not live");
	if (kind_erases((uint8_t)box.kind) &&
	    (box.valid_from != INT64_MIN || box.valid_until != INT64_MAX))
		return refuse_value(err, TEG_SCHEMA, l->ends[0]->name, i,
		                    "an erased box covers all of valid time");
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		box.box.lo[d] = lane_at(&l->rows.dims[d], schema->dims[d].class, i);
		box.box.hi[d] = lane_at(&ends[d], schema->dims[d].class, i);
		if (box.box.lo[d] > box.box.hi[d])
			return refuse_value(err, TEG_SCHEMA, l->ends[d]->name, i,
			                    "a box ends before it begins");
	}
	l->array->n_ledger_boxes++;
	return txn_add_box(l->txn, l->array, &box, err);
}

static teg_status add_taken(struct ledger *l, const struct column_buf *ends, teg_error *err)
{
	for (uint32_t i = 0; i < l->rows.n; i++)
		if (l->boxes[i] && is_taken(l, i))
			TEG_TRY(add_box(l, ends, i, err));
	return TEG_OK;
}

static teg_status add_boxes(struct ledger *l, teg_error *err)
{
	const struct schema *schema = l->array->schema;
	struct column_buf ends[TEG_MAX_DIMENSIONS];
	teg_status status = TEG_OK;
	uint32_t made = 0;

	while (made < schema->n_dims && status == TEG_OK) {
		status = read_end(l, made, l->rows.n, &ends[made], err);
		made++;
	}
	if (status == TEG_OK)
		status = add_taken(l, ends, err);
	while (made)
		column_buf_release(&ends[--made]);
	return status;
}

/* ---- both ---- */

/* Corners of boxes may lie outside of the domain, cells not. */
static teg_status add_cells(struct ledger *l, struct rows *rows, teg_error *err)
{
	uint32_t first = rows->n;

	for (uint32_t i = 0; i < l->rows.n; i++)
		if (!l->boxes[i] && is_taken(l, i))
			l->at[l->n_at++] = i;
	TEG_TRY(rows_gather(rows, &l->rows, l->at, l->n_at, err));
	for (uint32_t d = 0; d < rows->schema->n_dims; d++) {
		teg_status status = check_values(&rows->schema->dims[d], true, &rows->dims[d],
		                                 first, l->options->max_value_len, err);

		if (status == TEG_OK)
			continue;
		if (err && err->row >= 0)
			err->row = l->at[err->row];
		return status;
	}
	return TEG_OK;
}

static teg_status stage_mixed(struct ledger *l, struct rows *rows, size_t n, bool has_boxes,
                              teg_error *err)
{
	struct stage_options options = *l->options;
	size_t n_boxes = l->array->n_boxes, n_ledger_boxes = l->array->n_ledger_boxes;
	uint32_t first = rows->n;
	teg_status status;

	options.boxes = has_boxes;
	TEG_TRY(rows_init(&l->rows, rows->schema, rows->alloc, err));
	status = stage_columns(&l->rows, l->cells, l->n_cells, n, &options, err);
	if (status == TEG_OK && has_boxes)
		status = add_boxes(l, err);
	if (status == TEG_OK)
		status = add_cells(l, rows, err);
	rows_release(&l->rows);
	if (status == TEG_OK)
		return TEG_OK;
	rows_truncate(rows, first);
	l->array->n_boxes = n_boxes;
	l->array->n_ledger_boxes = n_ledger_boxes;
	return status;
}

static teg_status stage_split(struct ledger *l, struct rows *rows, size_t n, teg_error *err)
{
	bool has_boxes = false;

	if (n > UINT32_MAX / 4)
		return teg_fail(err, TEG_LIMIT, "%zu rows are more than one put holds", n);
	if (l->n_ends || takes_some(l)) {
		l->at = mem_array(rows->alloc, n + 1, sizeof *l->at);
		l->boxes = mem_zalloc(rows->alloc, n + 1);
		if (!l->at || !l->boxes)
			return no_memory(err);
	}
	if (l->n_ends)
		TEG_TRY(find_boxes(l, n, &has_boxes, err));
	if (has_boxes || (takes_some(l) && n))
		return stage_mixed(l, rows, n, has_boxes, err);
	return stage_columns(rows, l->cells, l->n_cells, n, l->options, err);
}

teg_status txn_stage_ledger(struct teg_txn *txn, struct txn_array *array, struct rows *rows,
                            const teg_column *columns, size_t n_columns, size_t n,
                            const struct stage_options *options, teg_error *err)
{
	struct ledger l = { .txn = txn, .array = array, .options = options };
	teg_status status;

	l.cells = mem_array(rows->alloc, n_columns + 1, sizeof *l.cells);
	if (!l.cells)
		return no_memory(err);
	status = split_columns(&l, columns, n_columns, err);
	if (status == TEG_OK)
		status = stage_split(&l, rows, n, err);
	mem_free(rows->alloc, l.at, (n + 1) * sizeof *l.at);
	mem_free(rows->alloc, l.boxes, n + 1);
	mem_free(rows->alloc, l.cells, (n_columns + 1) * sizeof *l.cells);
	return status;
}

/* ---- their order ---- */

/* A ledger names boxes newest first, of one commit the later first; they are written oldest first. */
teg_status txn_sort_ledger_boxes(const struct txn_array *array, const teg_allocator *alloc,
                                 struct row_box *boxes_out, teg_error *err)
{
	uint32_t n = (uint32_t)array->n_boxes, *perm = mem_array(alloc, n + 1u, sizeof *perm);
	uint64_t *times = mem_array(alloc, n + 1u, sizeof *times);
	teg_status status = TEG_NOMEM;

	if (perm && times) {
		for (uint32_t i = 0; i < n; i++)
			times[i] = lane_of_i64(array->boxes[n - 1 - i].system_from);
		status = order_sort((const uint64_t *const *)&times, 1, n, alloc, perm);
	}
	for (uint32_t i = 0; status == TEG_OK && i < n; i++)
		boxes_out[i] = array->boxes[n - 1 - perm[i]];
	mem_free(alloc, perm, (n + 1u) * sizeof *perm);
	mem_free(alloc, times, (n + 1u) * sizeof *times);
	return status == TEG_OK ? TEG_OK : no_memory(err);
}
