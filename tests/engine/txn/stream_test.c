/* Puts from an Arrow stream: what is checked even where no batch comes, and which row is at fault. */
#include "tests/support/spec.h"
#include "tests/support/world.h"

/* Batches of two rows of one int64 column; the row `bad` is null. */
struct source {
	const char *column;
	int left, given, bad;
	struct ArrowSchema field, *fields[1];
	int64_t values[2];
	uint8_t validity;
	const void *buffers[2], *no_buffers[1];
	struct ArrowArray column_array, *columns[1];
};

static void release_schema(struct ArrowSchema *schema)
{
	schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
	array->release = NULL;
}

static void release_stream(struct ArrowArrayStream *stream)
{
	stream->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	struct source *s = stream->private_data;

	s->field = (struct ArrowSchema){ .format = "l",
		                         .name = s->column,
		                         .flags = ARROW_FLAG_NULLABLE,
		                         .release = release_schema };
	s->fields[0] = &s->field;
	*out = (struct ArrowSchema){
		.format = "+s", .n_children = 1, .children = s->fields, .release = release_schema
	};
	return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	struct source *s = stream->private_data;
	int in_batch = s->bad - s->given;

	*out = (struct ArrowArray){ .release = NULL };
	if (!s->left)
		return 0;
	s->left--;
	s->given += 2;
	s->validity = (uint8_t)(in_batch == 0 ? 2 : in_batch == 1 ? 1 : 3);
	s->buffers[0] = &s->validity;
	s->buffers[1] = s->values;
	s->column_array = (struct ArrowArray){ .length = 2,
		                               .null_count = -1,
		                               .n_buffers = 2,
		                               .buffers = s->buffers,
		                               .release = release_array };
	s->columns[0] = &s->column_array;
	*out = (struct ArrowArray){ .length = 2,
		                    .n_buffers = 1,
		                    .buffers = s->no_buffers,
		                    .n_children = 1,
		                    .children = s->columns,
		                    .release = release_array };
	return 0;
}

static const struct {
	const char *why, *column;
	int n_batches, bad;
	teg_status status;
	int64_t row;
	uint64_t n_rows;
} cases[] = {
	{ "rows", "v", 2, -1, TEG_OK, -1, 4 },
	{ "no batch", "v", 0, -1, TEG_OK, -1, 0 },
	{ "no batch, of another schema", "w", 0, -1, TEG_SCHEMA, -1, 0 }, /* V4 */
	{ "null in the first batch", "v", 3, 1, TEG_SCHEMA, 1, 0 },
	{ "null in the last batch", "v", 3, 5, TEG_SCHEMA, 5, 4 }, /* B6 */
};

static void put(teg_store *store, size_t i)
{
	struct source source = { .column = cases[i].column,
		                 .left = cases[i].n_batches,
		                 .bad = cases[i].bad };
	struct ArrowArrayStream stream = { .get_schema = get_schema,
		                           .get_next = get_next,
		                           .release = release_stream,
		                           .private_data = &source };
	teg_attribute v = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &v, 1);
	uint64_t n_rows = 99;
	teg_error err = { .row = -1 };
	teg_txn *txn;

	cr_assert_eq(teg_txn_begin(store, NULL, &txn, &err), TEG_OK);
	cr_assert_eq(teg_txn_create(txn, "t", &spec, &err), TEG_OK, "%s", err.message);
	cr_expect_eq(teg_txn_put_stream(txn, "t", &stream, NULL, &n_rows, &err), cases[i].status,
	             "%s: %s", cases[i].why, err.message);
	cr_expect_eq(err.row, cases[i].row, "%s: row %lld", cases[i].why, (long long)err.row);
	cr_expect_eq(n_rows, cases[i].n_rows, "%s", cases[i].why);
	cr_expect_null(stream.release, "%s", cases[i].why);
	teg_txn_abort(txn);
}

Test(stream, schema_is_checked_and_rows_are_counted_over_all_of_it)
{
	struct world w;

	world_make(&w, (teg_store_options){ 0 });
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		put(w.store, i);
	world_release(&w);
}
