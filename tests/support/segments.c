#include "tests/support/segments.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include "codec/base/hash.h"

/* ---- specs ---- */

const teg_spec *spec_of(teg_kind kind, const teg_type *dims, uint32_t n_dims, bool valid_time)
{
	static const char *const dim_names[] = { "d0", "d1", "d2", "d3" };
	static teg_dimension dimensions[4];
	static teg_attribute attributes[] = {
		{ .name = "i64", .type = { .type = TEG_INT64 }, .nullable = true },
		{ .name = "f64", .type = { .type = TEG_FLOAT64 } },
		{ .name = "text", .type = { .type = TEG_UTF8 }, .nullable = true },
		{ .name = "flag", .type = { .type = TEG_BOOL }, .nullable = true },
		{ .name = "wide", .type = { .type = TEG_DECIMAL128, .precision = 30 } },
		{ .name = "half", .type = { .type = TEG_INT16 } },
		{ .name = "fixed", .type = { .type = TEG_FIXED_BYTES, .fixed_len = 5 } },
		{ .name = "number", .type = { .type = TEG_UINT32 } },
	};
	static teg_spec spec;

	memset(dimensions, 0, sizeof dimensions);
	for (uint32_t d = 0; d < n_dims; d++) {
		dimensions[d].name = dim_names[d];
		dimensions[d].type.type = dims[d];
		dimensions[d].type.unit = TEG_MICRO;
		if (kind == TEG_DENSE) {
			dimensions[d].lo = (teg_value){ dims[d], { .i = 0 } };
			dimensions[d].hi = (teg_value){ dims[d], { .i = 999 } };
		}
	}
	spec = (teg_spec){ .struct_size = sizeof spec,
		           .kind = kind,
		           .valid_time = valid_time,
		           .dimensions = dimensions,
		           .n_dimensions = n_dims,
		           .attributes = attributes,
		           .n_attributes = sizeof attributes / sizeof *attributes };
	return &spec;
}

/* ---- life cycle ---- */

void segments_init(struct segments *s, const teg_allocator *alloc, const teg_spec *spec)
{
	teg_error err = { 0 };

	memset(s, 0, sizeof *s);
	s->alloc = alloc;
	arena_init(&s->arena, teg_allocator_default(), SIZE_MAX);
	cr_assert_eq(schema_from_spec(spec, &s->arena, &s->schema, &err), TEG_OK, "%s",
	             err.message);
	order_init(&s->order, s->schema);
	s->os = os_memory_new(teg_allocator_default(), 1);
	cr_assert_not_null(s->os);
	cr_assert_eq(os_make_dir(s->os, "", NULL), TEG_OK);
	cr_assert_eq(os_make_dir(s->os, "segments", NULL), TEG_OK);
}

void segments_close(struct segments *s)
{
	if (s->open)
		segment_release(&s->segment);
	os_close(s->os, s->file);
	s->file = NULL;
	s->open = false;
}

void segments_release(struct segments *s)
{
	segments_close(s);
	os_free(s->os);
	arena_release(&s->arena);
}

void segment_ref_of_result(const struct segment_result *result, uint32_t n_dims, struct box *box,
                           struct segment_ref *ref);

teg_status segments_write(struct segments *s, struct rows *rows,
                          const struct tiler_options *options, teg_error *err)
{
	struct segment_sink sink;
	teg_status status;

	segments_close(s);
	(void)os_unlink(s->os, SEGMENT_FILE, NULL);
	sink_init(&sink, s->os, SEGMENT_FILE, 0, s->alloc);
	status = write_sorted(rows, options, &sink, s->alloc, &s->result, err);
	if (status == TEG_OK)
		status = sink_finish(&sink, err);
	sink_release(&sink);
	if (status != TEG_OK)
		return status;
	segment_ref_of_result(&s->result, s->schema->n_dims, &s->box, &s->ref);
	if (s->ref.fresh)
		s->ref.system_time = s->ref.system_from_min = s->ref.system_from_max = 1000;
	s->ref.first_row_id = s->ref.implicit_ids ? 500 : 0;
	return TEG_OK;
}

teg_status segments_open(struct segments *s, teg_error *err)
{
	teg_status status;

	segments_close(s);
	TEG_TRY(os_open(s->os, SEGMENT_FILE, &s->file, err));
	status = segment_open(&s->segment, &s->ref, s->schema, s->os, s->file, s->alloc, err);
	s->open = status == TEG_OK;
	return status;
}

uint8_t *segments_bytes(struct segments *s, size_t *len_out)
{
	uint8_t *bytes, *copy;

	cr_assert_eq(os_read_file(s->os, SEGMENT_FILE, SIZE_MAX / 2, teg_allocator_default(),
	                          &bytes, len_out, NULL),
	             TEG_OK);
	copy = malloc(*len_out);
	memcpy(copy, bytes, *len_out);
	mem_free(teg_allocator_default(), bytes, *len_out);
	return copy;
}

void segments_set_bytes(struct segments *s, const uint8_t *bytes, size_t len)
{
	struct os_file *file;

	segments_close(s);
	(void)os_unlink(s->os, SEGMENT_FILE, NULL);
	cr_assert_eq(os_create(s->os, SEGMENT_FILE, &file, NULL), TEG_OK);
	cr_assert_eq(os_write(s->os, file, SEGMENT_FILE, span_of(bytes, len), NULL), TEG_OK);
	os_close(s->os, file);
}

/* ---- reading ---- */

struct visit {
	struct segments *s;
	each_tile each;
	void *ctx;
	struct tile_reader reader;
	teg_error *err;
};

static teg_status visit_tile(void *ctx, const struct index_entry *entry, uint64_t number)
{
	struct visit *v = ctx;
	struct tile tile;

	(void)number;
	TEG_TRY(tile_open(&tile, &v->s->segment, entry, v->s->alloc, v->err));
	v->each(v->ctx, &tile, &v->reader);
	tile_release(&tile);
	return TEG_OK;
}

teg_status segments_each(struct segments *s, each_tile each, void *ctx, teg_error *err)
{
	struct visit v = { .s = s, .each = each, .ctx = ctx, .err = err };
	teg_status status;

	TEG_TRY(tile_reader_init(&v.reader, s->alloc, err));
	status = segment_walk(&s->segment, NULL, visit_tile, &v, NULL, err);
	tile_reader_release(&v.reader);
	return status;
}

struct digest {
	struct segments *s;
	uint64_t value;
	teg_status status;
	teg_error *err;
};

static const uint32_t own_columns[] = { COLUMN_ID_SYSTEM_FROM, COLUMN_ID_SUPERSEDED,
	                                COLUMN_ID_VALID_FROM,  COLUMN_ID_VALID_UNTIL,
	                                COLUMN_ID_KIND,        COLUMN_ID_EXACT };
#define N_OWN (sizeof own_columns / sizeof *own_columns)

static uint32_t n_all(const struct schema *schema)
{
	return schema->n_dims + schema->n_attrs + (uint32_t)N_OWN;
}

/* The i-th column of all: id, and an empty buffer of its shape. */
static uint32_t any_column(const struct schema *schema, uint32_t i, const teg_allocator *alloc,
                           struct column_buf *out)
{
	const struct field *field;

	if (i >= schema->n_dims + schema->n_attrs) {
		uint32_t id = own_columns[i - schema->n_dims - schema->n_attrs];
		bool byte = id == COLUMN_ID_KIND || id == COLUMN_ID_EXACT;

		column_buf_init(out, COLUMN_FIXED, byte ? 1 : 8, alloc);
		return id;
	}
	field = i < schema->n_dims ? &schema->dims[i] : &schema->attrs[i - schema->n_dims];
	column_buf_init(out, field->shape, field->width, alloc);
	return field->id;
}

static void add_digest(uint64_t *digest, const struct column *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct span v = column_valid(c, i) ? column_value(c, i) : span_of_text("null");

		*digest = *digest * 0x9e3779b97f4a7c15u + hash_bytes(v) + v.len;
	}
}

static void digest_tile(void *ctx, const struct tile *tile, struct tile_reader *reader)
{
	struct digest *d = ctx;

	for (uint32_t i = 0; d->status == TEG_OK && i < n_all(d->s->schema); i++) {
		struct column_buf out;
		uint32_t id = any_column(d->s->schema, i, d->s->alloc, &out);
		struct column view;

		/* Boxes have bounds where cells have coordinates. */
		if (tile->header.shape != TILE_BOX || id >= COLUMN_ID_SYSTEM_FROM)
			d->status = tile_read_column(reader, tile, id, 0, tile->header.n_rows, &out,
			                             d->err);
		view = column_buf_view(&out);
		if (d->status == TEG_OK)
			add_digest(&d->value, &view);
		column_buf_release(&out);
	}
}

teg_status segments_digest(struct segments *s, uint64_t *digest_out, teg_error *err)
{
	struct digest d = { s, 1, TEG_OK, err };

	TEG_TRY(segments_each(s, digest_tile, &d, err));
	*digest_out = d.value;
	return d.status;
}

teg_status segments_read_all(struct segments *s, teg_error *err)
{
	uint64_t digest;

	return segments_digest(s, &digest, err);
}

/* ---- making rows up ---- */

static void add(struct column_buf *b, const void *value, size_t len)
{
	cr_assert_eq(column_buf_append_value(b, span_of(value, len), 1), TEG_OK);
}

static void add_text(struct column_buf *b, struct rng *rng, uint64_t range)
{
	char text[64];
	int len = snprintf(text, sizeof text, "%.*s%llu", (int)rng_below(rng, 14), "same-beginning",
	                   (unsigned long long)rng_below(rng, range));

	add(b, text, (size_t)len);
}

static void add_value(struct column_buf *b, const struct field *f, struct rng *rng, uint64_t range)
{
	uint8_t bytes[64] = { 0 };
	uint64_t u = rng_below(rng, range) + (f->has_domain ? 0 : 0);
	double real = (double)u / 4 - 3;
	float narrow = (float)real;

	if (f->shape == COLUMN_BYTES) {
		add_text(b, rng, range);
		return;
	}
	if (f->class == VALUE_FLOAT)
		memcpy(bytes, f->width == 8 ? (void *)&real : (void *)&narrow, f->width);
	else if (f->type.type == TEG_BOOL)
		bytes[0] = (uint8_t)(u & 1);
	else
		memcpy(bytes, &u, f->width < 8 ? f->width : 8);
	add(b, bytes, f->width);
}

static void add_cell(struct rows *rows, uint32_t i, struct rng *rng, uint64_t range, bool distinct)
{
	for (uint32_t d = 0; !rows->implicit_ids && d < rows->schema->n_dims; d++) {
		const struct field *f = &rows->schema->dims[d];
		/* A number that no other row has, well mixed, in the first dimension that holds it. */
		uint64_t own = (uint64_t)i * 0x9e3779b1u % 0xfffffffbu;

		if (distinct && d == 0 && f->shape == COLUMN_FIXED && f->width == 8 &&
		    f->class != VALUE_FLOAT)
			add(&rows->dims[d], &own, 8);
		else
			add_value(&rows->dims[d], f, rng, range);
	}
}

static void add_attributes(struct rows *rows, uint32_t i, struct rng *rng, bool live)
{
	uint32_t n = rows->schema->n_attrs;

	for (uint32_t a = 0; a < n; a++) {
		const struct field *f = &rows->schema->attrs[a];
		bool null = !live || (f->nullable && rng_below(rng, 5) == 0);

		if (a == n - 1 && live)
			add(&rows->attrs[a], &i, 4);
		else if (null)
			cr_assert_eq(column_buf_append_nulls(&rows->attrs[a], 1), TEG_OK);
		else
			add_value(&rows->attrs[a], f, rng, 1 + rng_below(rng, 1000));
	}
}

void rows_make_up(struct rows *rows, uint32_t n, struct rng *rng, uint64_t range, bool distinct)
{
	for (uint32_t i = 0; i < n; i++) {
		add_cell(rows, i, rng, range, distinct);
		add_attributes(rows, i, rng, true);
		if (rows->schema->valid_time) {
			int64_t from = (int64_t)rng_below(rng, 1000);
			int64_t until = rng_below(rng, 3) ? INT64_MAX : from + 1;

			add(&rows->valid_from, &from, 8);
			add(&rows->valid_until, &until, 8);
		}
		rows->n++;
	}
}

/* ---- checking ---- */

struct checking {
	struct segments *s;
	const struct rows *rows;
	bool *seen;
	uint32_t n_seen;
	uint64_t last[POSITION_WORDS_MAX];
	bool any;
};

static void read_column(struct checking *c, const struct tile *tile, struct tile_reader *reader,
                        uint32_t i, struct column_buf *out)
{
	teg_error err = { 0 };
	uint32_t id = any_column(c->s->schema, i, c->s->alloc, out);

	cr_assert_eq(tile_read_column(reader, tile, id, 0, tile->header.n_rows, out, &err), TEG_OK,
	             "column %#x: %s", id, err.message);
	cr_assert_eq(out->n, tile->header.n_rows);
}

static void check_same(const struct column *got, size_t i, const struct column *want, size_t j,
                       uint32_t id)
{
	cr_assert_eq(column_valid(got, i), column_valid(want, j), "column %#x row %zu", id, j);
	if (column_valid(got, i))
		cr_assert(span_equal(column_value(got, i), column_value(want, j)),
		          "column %#x row %zu", id, j);
}

static void check_column(struct checking *c, const struct tile *tile, struct tile_reader *reader,
                         const struct column_buf *source, uint32_t i, const uint32_t *number)
{
	struct column_buf buf;
	struct column got, want = column_buf_view(source);

	read_column(c, tile, reader, i, &buf);
	got = column_buf_view(&buf);
	for (uint32_t k = 0; k < tile->header.n_rows; k++)
		check_same(&got, k, &want, number[k], i);
	column_buf_release(&buf);
}

/* Rows i - 1 and i of a tile: by lanes first, then by texts, each in the cell order's dimensions. */
static int compare_rows(const struct schema *schema, uint64_t *const *lanes,
                        const struct column *text, uint32_t i) /* CELL-1 CELL-2 X11 */
{
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t k = 0; k < schema->n_dims; k++) {
			bool column_major = schema->cell_order == TEG_ORDER_COLUMN;
			uint32_t d = column_major ? schema->n_dims - 1 - k : k;
			int order =
				(lanes[d][i - 1] > lanes[d][i]) - (lanes[d][i - 1] < lanes[d][i]);

			if (pass && schema->dims[d].shape == COLUMN_BYTES)
				order = span_compare(column_value(&text[d], i - 1),
				                     column_value(&text[d], i));
			if (order)
				return order;
		}
	return 0;
}

/* Tile after tile along the curve, and within the box that the index states. */
static void check_cells(struct checking *c, const struct tile *tile, struct tile_reader *reader)
{
	const struct schema *schema = c->s->schema;
	struct column_buf buf[TEG_MAX_DIMENSIONS];
	struct column text[TEG_MAX_DIMENSIONS];
	uint64_t *lanes[TEG_MAX_DIMENSIONS];
	uint64_t first[POSITION_WORDS_MAX];
	uint32_t n = tile->header.n_rows;

	for (uint32_t d = 0; d < schema->n_dims; d++) {
		read_column(c, tile, reader, d, &buf[d]);
		text[d] = column_buf_view(&buf[d]);
		lanes[d] = malloc(n * sizeof **lanes);
		lanes_of_column(&text[d], schema->dims[d].class, 0, n, lanes[d]);
		for (uint32_t i = 0; i < n; i++)
			cr_assert(lanes[d][i] >= tile->entry.lo[d] &&
			          lanes[d][i] <= tile->entry.hi[d]);
	}
	for (uint32_t i = 1; i < n; i++)
		cr_assert_leq(compare_rows(schema, lanes, text, i), 0, "row %u", i);
	order_position(&c->s->order, tile->entry.first, first);
	if (c->any)
		cr_assert_leq(position_compare(c->last, first, c->s->order.n_words), 0);
	order_position(&c->s->order, tile->entry.last, c->last);
	cr_assert_leq(position_compare(first, c->last, c->s->order.n_words), 0);
	c->any = true;
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		column_buf_release(&buf[d]);
		free(lanes[d]);
	}
}

static void check_tile(void *ctx, const struct tile *tile, struct tile_reader *reader)
{
	struct checking *c = ctx;
	const struct schema *schema = c->s->schema;
	uint32_t n_fields = schema->n_dims + schema->n_attrs;
	struct column_buf numbers;
	const uint32_t *number;

	read_column(c, tile, reader, n_fields - 1, &numbers);
	number = (const uint32_t *)(const void *)numbers.values;
	for (uint32_t i = 0; i < tile->header.n_rows; i++) {
		cr_assert_lt(number[i], c->rows->n);
		cr_assert_not(c->seen[number[i]], "row %u twice", number[i]);
		c->seen[number[i]] = true;
	}
	c->n_seen += tile->header.n_rows;
	for (uint32_t d = 0; !c->rows->implicit_ids && d < schema->n_dims; d++)
		check_column(c, tile, reader, &c->rows->dims[d], d, number);
	for (uint32_t a = 0; a < schema->n_attrs; a++)
		check_column(c, tile, reader, &c->rows->attrs[a], schema->n_dims + a, number);
	if (c->rows->valid_from.n)
		check_column(c, tile, reader, &c->rows->valid_from, n_fields + 2, number);
	if (c->rows->valid_until.n)
		check_column(c, tile, reader, &c->rows->valid_until, n_fields + 3, number);
	if (c->rows->system_from.n)
		check_column(c, tile, reader, &c->rows->system_from, n_fields, number);
	check_cells(c, tile, reader);
	column_buf_release(&numbers);
}

void segments_check_rows(struct segments *s, const struct rows *rows)
{
	struct checking c = { .s = s, .rows = rows };
	teg_error err = { 0 };

	c.seen = calloc(rows->n + 1u, sizeof *c.seen);
	cr_assert_eq(segments_each(s, check_tile, &c, &err), TEG_OK, "%s", err.message);
	cr_assert_eq(c.n_seen, rows->n);
	cr_assert_eq(s->ref.n_rows, rows->n);
	free(c.seen);
}
