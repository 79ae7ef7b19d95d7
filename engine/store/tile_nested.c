/* Reading nested attributes: which rows are wanted says which values of each node are, all the way
 * down, and only their pages are read. format-spec/tile.md, NEST-1 and on.
 *
 *   rows 3, 4, 9   ->  runs (3, 2) (9, 1)  ->  their ends, and the one before each run  ->
 *   runs of the child  ->  ...
 */
#include <string.h>
#include "engine/store/tile.h"

/* The values of one node that are wanted. */
struct wanted {
	struct tile_run *runs; /* ascending, apart, none empty */
	uint32_t n_runs, cap;
	uint64_t n;
};

struct descent {
	struct tile_reader *reader;
	const struct tile *tile;
	struct column_buf flags, ends; /* used by one node at a time */
	teg_error *err;
};

static teg_status no_memory(struct descent *d)
{
	return teg_fail(d->err, TEG_NOMEM, "no memory to read a nested column");
}

static teg_status corrupt(struct descent *d, const struct tile_column *column, const char *why)
{
	return tile_blame(d->tile, column, 0, teg_fail(d->err, TEG_CORRUPT, "%s", why), d->err);
}

/* ---- what is wanted ---- */

static void release(struct descent *d, struct wanted *w)
{
	mem_free(d->reader->alloc, w->runs, w->cap * sizeof *w->runs);
}

/* Room for as many runs as the node above has: it never takes more. */
static teg_status reserve(struct descent *d, struct wanted *w, uint32_t n_runs)
{
	*w = (struct wanted){ .cap = n_runs };
	w->runs = mem_array(d->reader->alloc, n_runs, sizeof *w->runs);
	return w->runs ? TEG_OK : no_memory(d);
}

static void add_run(struct wanted *w, uint32_t from, uint32_t n)
{
	struct tile_run *last = w->n_runs ? &w->runs[w->n_runs - 1] : NULL;

	if (!n)
		return;
	w->n += n;
	if (last && last->from + last->n == from)
		last->n += n;
	else
		w->runs[w->n_runs++] = (struct tile_run){ from, n };
}

static teg_status want_rows(struct descent *d, const uint32_t *at, uint32_t from, uint32_t n,
                            struct wanted *w)
{
	TEG_TRY(reserve(d, w, at ? n : 1));
	if (!at)
		add_run(w, from, n);
	for (uint32_t i = 0; at && i < n; i++)
		add_run(w, at[i], 1);
	return TEG_OK;
}

static teg_status want_times(struct descent *d, const struct wanted *above, uint32_t each,
                             struct wanted *w)
{
	TEG_TRY(reserve(d, w, above->n_runs));
	for (uint32_t i = 0; i < above->n_runs; i++)
		add_run(w, above->runs[i].from * each, above->runs[i].n * each);
	return TEG_OK;
}

/* ---- nodes ---- */

/* The chunk of a node that has n values. A writer keeps nodes of several rows small (NEST-6). */
static teg_status find_node(struct descent *d, const struct field *f, bool below, uint64_t n,
                            const struct tile_column **column_out)
{
	const struct tile_column *column = tile_find_column(&d->tile->header, f->id);
	char path[96];
	uint64_t each;

	if (!column) {
		schema_node_path(d->tile->segment->schema, f->id, path, sizeof path);
		teg_fail(d->err, TEG_CORRUPT, "a tile lacks a part of a nested column");
		error_in_column(d->err, TEG_CORRUPT, path);
		error_in_file(d->err, TEG_CORRUPT, d->tile->segment->path);
		return error_at_offset(d->err, TEG_CORRUPT,
		                       (int64_t)(d->tile->segment->ref->off + d->tile->entry.off));
	}
	each = f->shape == COLUMN_FIXED ? f->width : shape_has_offsets(f->shape) ? 4 : 1;
	if (column->chunk.n != n || column->chunk.nested != below)
		return corrupt(d, column,
		               "a part of a nested column has another length than its rows");
	if (d->tile->header.n_rows > 1 && n * each > TILE_COLUMN_MAX)
		return corrupt(d, column,
		               "a part of a nested column is larger than a tile's may be");
	*column_out = column;
	return TEG_OK;
}

static teg_status read_node(struct descent *d, const struct field *f, bool below, uint64_t n_values,
                            const struct wanted *w, struct column_buf *out);

/* ---- fixed lists and structs ---- */

/* The flags of the values wanted, as validity of n more values of `out`. */
static teg_status read_flags(struct descent *d, const struct tile_column *column,
                             const struct wanted *w, struct column_buf *out)
{
	struct column_buf *flags = &d->flags;

	column_buf_clear(flags);
	if (column->chunk.class != VALUE_UNSIGNED || column->chunk.has_nulls)
		return corrupt(d, column, "a nested column whose flags are none");
	TEG_TRY(tile_read_runs(d->reader, d->tile, column, w->runs, w->n_runs, flags, d->err));
	for (size_t i = 0; i < flags->n; i++)
		if (flags->values[i] > 1)
			return corrupt(d, column, "a nested column whose flags are none");
	if (column_buf_reserve(out, flags->n, 0) != TEG_OK ||
	    column_buf_append_flags(out, flags->values, flags->n) != TEG_OK)
		return no_memory(d);
	return TEG_OK;
}

static teg_status read_fixed(struct descent *d, const struct field *f,
                             const struct tile_column *column, const struct wanted *w,
                             struct column_buf *out)
{
	uint32_t each = f->shape == COLUMN_FIXED_LIST ? f->width : 1;
	uint64_t n_below = (uint64_t)column->chunk.n * each;
	struct wanted below;
	teg_status status;

	TEG_TRY(read_flags(d, column, w, out));
	status = n_below > CHUNK_VALUES_MAX
	                 ? corrupt(d, column, "a fixed-size list of more values than a tile has")
	                 : want_times(d, w, each, &below);
	if (n_below > CHUNK_VALUES_MAX)
		return status;
	for (uint32_t i = 0; status == TEG_OK && i < f->n_children; i++)
		status = read_node(d, &f->children[i], true, n_below, &below, &out->children[i]);
	release(d, &below);
	return status;
}

/* ---- lists ---- */

/* The ends of the lists wanted, and the one before each run. */
static teg_status read_ends(struct descent *d, const struct tile_column *column,
                            const struct wanted *w)
{
	struct wanted wider;
	teg_status status;

	column_buf_clear(&d->ends);
	if (column->chunk.class != VALUE_OFFSETS)
		return corrupt(d, column, "a list's column that holds no offsets");
	TEG_TRY(reserve(d, &wider, w->n_runs));
	for (uint32_t i = 0; i < w->n_runs; i++) {
		uint32_t back = w->runs[i].from > 0;

		add_run(&wider, w->runs[i].from - back, w->runs[i].n + back);
	}
	status = tile_read_runs(d->reader, d->tile, column, wider.runs, wider.n_runs, &d->ends,
	                        d->err);
	release(d, &wider);
	return status;
}

/* The lists of one run: checked, their lengths appended to `out`. `at`: of its first end. */
static teg_status take_run(struct descent *d, const struct tile_column *column,
                           const struct tile_run *run, size_t at, uint32_t n_below,
                           struct wanted *below, struct column_buf *out)
{
	const uint32_t *ends = (const uint32_t *)(const void *)d->ends.values + at;
	uint32_t start = run->from ? ends[-1] : 0, before = start;
	int32_t to = out->offsets[out->n];

	for (uint32_t i = 0; i < run->n; i++) {
		if (ends[i] < before)
			return corrupt(d, column, "a list's offsets descend");
		if (d->ends.n_nulls && !bitmap_get(d->ends.validity, at + i) && ends[i] != before)
			return corrupt(d, column, "a null list that is not empty");
		before = ends[i];
		out->offsets[out->n + i + 1] = (int32_t)(before - start) + to;
	}
	if (before > n_below || (run->from + run->n == column->chunk.n && before != n_below))
		return corrupt(d, column, "a list's offsets do not end with its values");
	add_run(below, start, before - start);
	column_buf_count(out, run->n);
	if (d->ends.n_nulls &&
	    column_buf_set_validity(out, out->n - run->n, run->n, d->ends.validity, at) != TEG_OK)
		return no_memory(d);
	return TEG_OK;
}

static teg_status take_lists(struct descent *d, const struct tile_column *column,
                             const struct wanted *w, uint32_t n_below, struct wanted *below,
                             struct column_buf *out)
{
	size_t at = 0;

	TEG_TRY(read_ends(d, column, w));
	TEG_TRY(reserve(d, below, w->n_runs));
	for (uint32_t i = 0; i < w->n_runs; i++) {
		const struct tile_run *run = &w->runs[i];

		at += run->from > 0; /* the end before the run */
		TEG_TRY(take_run(d, column, run, at, n_below, below, out));
		at += run->n;
	}
	return TEG_OK;
}

static teg_status read_list(struct descent *d, const struct field *f,
                            const struct tile_column *column, const struct wanted *w,
                            struct column_buf *out)
{
	const struct tile_column *child = tile_find_column(&d->tile->header, f->children[0].id);
	uint32_t n_below = child ? child->chunk.n : 0;
	struct wanted below = { 0 };
	teg_status status;

	if (column_buf_reserve(out, (size_t)w->n, 0) != TEG_OK)
		return no_memory(d);
	status = take_lists(d, column, w, n_below, &below, out);
	if (status == TEG_OK && (uint64_t)out->children[0].n + below.n > COLUMN_BYTES_MAX)
		status = teg_fail(d->err, TEG_LIMIT, "lists of more than 2^31 values in one batch");
	if (status == TEG_OK)
		status = read_node(d, &f->children[0], true, n_below, &below, &out->children[0]);
	release(d, &below);
	return status;
}

/* ---- all of it ---- */

static teg_status read_node(struct descent *d, const struct field *f, bool below, uint64_t n_values,
                            const struct wanted *w, struct column_buf *out)
{
	const struct tile_column *column = NULL;

	TEG_TRY(find_node(d, f, below, n_values, &column));
	switch (f->shape) {
	case COLUMN_LIST: return read_list(d, f, column, w, out);
	case COLUMN_FIXED_LIST:
	case COLUMN_STRUCT: return read_fixed(d, f, column, w, out);
	default: return tile_read_runs(d->reader, d->tile, column, w->runs, w->n_runs, out, d->err);
	}
}

teg_status tile_read_nested(struct tile_reader *reader, const struct tile *tile, uint32_t column_id,
                            const uint32_t *at, uint32_t from, uint32_t n, struct column_buf *out,
                            teg_error *err)
{
	const struct field *field = schema_field_by_id(tile->segment->schema, column_id);
	struct descent d = { .reader = reader, .tile = tile, .err = err };
	struct wanted rows;
	size_t before = out->n;
	teg_status status;

	column_buf_init(&d.flags, COLUMN_FIXED, 1, reader->alloc);
	column_buf_init(&d.ends, COLUMN_FIXED, 4, reader->alloc);
	status = want_rows(&d, at, from, n, &rows);
	if (status == TEG_OK)
		status = read_node(&d, field, false, tile->header.n_rows, &rows, out);
	release(&d, &rows);
	column_buf_release(&d.flags);
	column_buf_release(&d.ends);
	if (status != TEG_OK)
		column_buf_truncate(out, before);
	return status;
}
