/* Any text is parsed or refused at a byte within it. What is parsed can be copied and bound or
 * refused, gives the same answers as its copy and as its double negation, and no tile that holds a
 * row it is true for is left out. */
#include <stdlib.h>
#include "engine/predicate/predicate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

#define ROWS 2 /* one value, and null */
#define TEXT "common prefix 1"

static const struct {
	teg_attribute attr;
	const void *value;
} attributes[] = {
	{ { .name = "b", .type = { .type = TEG_BOOL }, .nullable = true }, &(uint8_t){ 1 } },
	{ { .name = "i", .type = { .type = TEG_INT32 }, .nullable = true }, &(int32_t){ -5 } },
	{ { .name = "u", .type = { .type = TEG_UINT64 }, .nullable = true }, &(uint64_t){ 5 } },
	{ { .name = "f", .type = { .type = TEG_FLOAT64 }, .nullable = true }, &(double){ 0.1 } },
	{ { .name = "d",
	    .type = { .type = TEG_DECIMAL128, .precision = 20, .scale = 2 },
	    .nullable = true },
	  "\x1d\0\0\0\0\0\0\0\0\0\0\0\0\0\0" },
	{ { .name = "t", .type = { .type = TEG_TIMESTAMP, .unit = TEG_MILLI }, .nullable = true },
	  &(int64_t){ 1357016400250 } },
	{ { .name = "day", .type = { .type = TEG_DATE32 }, .nullable = true },
	  &(int32_t){ 15706 } },
	{ { .name = "s", .type = { .type = TEG_UTF8 }, .nullable = true }, TEXT },
	{ { .name = "y", .type = { .type = TEG_FIXED_BYTES, .fixed_len = 2 }, .nullable = true },
	  "ab" },
};

#define N_ATTRIBUTES (sizeof attributes / sizeof *attributes)

struct world {
	struct arena arena;
	const struct schema *schema;
	const teg_allocator *alloc;
	struct column_stats stats[N_ATTRIBUTES];
	uint32_t ids[N_ATTRIBUTES];
	struct index_entry entry;
};

static void world_init(struct world *w)
{
	teg_attribute attrs[N_ATTRIBUTES];
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = attrs,
		          .n_attributes = N_ATTRIBUTES };

	*w = (struct world){ .alloc = teg_allocator_default() };
	arena_init(&w->arena, w->alloc, SIZE_MAX);
	for (size_t i = 0; i < N_ATTRIBUTES; i++)
		attrs[i] = attributes[i].attr;
	must(schema_from_spec(&spec, &w->arena, &w->schema, NULL) == TEG_OK);
	w->entry = (struct index_entry){ .n_rows = ROWS, .n_live = ROWS, .stats = w->stats };
}

/* The value and null of a column, or two nulls of the engine's own. */
static struct column_buf make_column(const struct world *w, uint32_t id)
{
	const struct field *field = schema_field_by_id(w->schema, id);
	struct column_buf b;
	const char *value;
	size_t at;

	column_buf_init(&b, field ? field->shape : COLUMN_FIXED,
	                field                  ? field->width
	                : id == COLUMN_ID_KIND ? 1
	                                       : 8,
	                w->alloc);
	if (id < COLUMN_ID_ATTRIBUTE || !field) {
		must(column_buf_append_value(&b, span_of("\0\0\0\0\0\0\0\0", b.width), ROWS) ==
		     TEG_OK);
		return b;
	}
	at = id - COLUMN_ID_ATTRIBUTE;
	value = attributes[at].value;
	must(column_buf_append_value(&b,
	                             span_of(value, field->width ? field->width : strlen(value)),
	                             1) == TEG_OK);
	must(column_buf_append_nulls(&b, 1) == TEG_OK);
	return b;
}

static void make_stats(struct world *w)
{
	for (uint32_t i = 0; i < N_ATTRIBUTES; i++) {
		struct column_buf b = make_column(w, COLUMN_ID_ATTRIBUTE + i);
		struct column view = column_buf_view(&b);

		w->ids[i] = COLUMN_ID_ATTRIBUTE + i;
		column_stats_of(&view, w->schema->attrs[i].class, &w->stats[i]);
		column_buf_release(&b);
	}
	w->entry.lo[0] = w->entry.hi[0] = lane_of_i64(0);
}

/* False: it cannot be bound. */
static bool answers(struct world *w, const teg_predicate *p, uint8_t mask[ROWS])
{
	struct column_buf bufs[N_ATTRIBUTES + 8];
	struct column columns[N_ATTRIBUTES + 8];
	const struct bound_predicate *bound;
	const uint32_t *ids;
	uint32_t n;
	teg_status status = predicate_bind(p, w->schema, &w->arena, &bound, NULL);

	if (status != TEG_OK) {
		must(status == TEG_MISUSE || status == TEG_NOT_FOUND);
		return false;
	}
	ids = predicate_columns(bound, &n);
	for (uint32_t i = 0; i < n; i++) {
		bufs[i] = make_column(w, ids[i]);
		columns[i] = column_buf_view(&bufs[i]);
	}
	memset(mask, 1, ROWS);
	must(predicate_run(bound, columns, ROWS, w->alloc, mask, NULL) == TEG_OK);
	if (mask[0] || mask[1])
		must(predicate_may_match(bound, &w->entry, w->ids, N_ATTRIBUTES));
	for (uint32_t i = 0; i < n; i++)
		column_buf_release(&bufs[i]);
	return true;
}

static void use(teg_predicate *p)
{
	uint8_t mask[ROWS], again[ROWS];
	teg_predicate *copy = NULL;
	struct world w;
	bool bound;

	world_init(&w);
	make_stats(&w);
	must(predicate_copy(p, w.alloc, &copy, NULL) == TEG_OK);
	bound = answers(&w, p, mask);
	if (teg_predicate_not(copy, &copy, NULL) == TEG_OK &&
	    teg_predicate_not(copy, &copy, NULL) == TEG_OK) {
		must(answers(&w, copy, again) == bound);
		must(!bound || !memcmp(mask, again, ROWS));
	}
	teg_predicate_free(copy);
	arena_release(&w.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	teg_predicate *p = NULL;
	teg_status status;
	teg_error err;
	char *text = malloc(size + 1);

	must(text);
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	status = teg_predicate_parse(text, NULL, &p, &err);
	must(status == TEG_OK || status == TEG_MISUSE || status == TEG_LIMIT);
	must(!p == (status != TEG_OK));
	if (p)
		use(p);
	else
		must(err.offset >= 0 && (size_t)err.offset <= strlen(text));
	teg_predicate_free(p);
	free(text);
	return 0;
}
