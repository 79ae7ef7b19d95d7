/* Elementwise results under failing memory, and where a result overflows. What they mean is compared
 * with brute force in elementwise_test.py. */
#include <stdio.h>
#include <string.h>
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define N 3000

static void make(teg_store *store, const char *name, int64_t first)
{
	teg_dimension dim = axis_of("x", TEG_INT64);
	teg_attribute attr = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_SPARSE, &dim, 1, &attr, 1);
	static int64_t x[N];
	teg_column columns[] = { { .name = "x", .values = x }, { .name = "v", .values = x } };

	attr.nullable = true;
	spec.tile_cells = 256;
	for (int64_t i = 0; i < N; i++)
		x[i] = first + i;
	txn_create(store, name, &spec);
	txn_put(store, name, columns, 2, N);
}

static teg_array *open_array(teg_store *store, const char *name)
{
	teg_snapshot *snapshot;
	teg_array *array;

	OK(teg_snapshot_open(store, &snapshot, err));
	OK(teg_array_open(snapshot, name, &array, err));
	teg_snapshot_close(snapshot);
	return array;
}

/* The stream to its end, or to where it fails; *message_out is what it says then. */
static int drain(struct ArrowArrayStream *stream, uint64_t *n_rows_out, char message_out[288])
{
	struct ArrowArray batch = { .release = NULL };
	int code;

	*n_rows_out = 0;
	while ((code = stream->get_next(stream, &batch)) == 0 && batch.release) {
		*n_rows_out += (uint64_t)batch.length;
		batch.release(&batch);
	}
	if (code) {
		const char *said = stream->get_last_error(stream);

		cr_assert(said);
		snprintf(message_out, 288, "%s", said);
	}
	stream->release(stream);
	return code;
}

static bool add_all(teg_array *a, teg_array *b)
{
	teg_term term = { TEG_ADD, "v", "v", NULL };
	teg_elementwise_options options = { .struct_size = sizeof options, .memory = 1 };
	struct ArrowArrayStream stream;
	struct ArrowSchema schema;
	char message[288];
	uint64_t n_rows;
	bool ok;
	teg_status status = teg_elementwise(a, b, &term, 1, &options, &stream, NULL);

	cr_assert(status == TEG_OK || (status == TEG_NOMEM && !stream.release));
	if (status != TEG_OK)
		return false;
	ok = stream.get_schema(&stream, &schema) == 0;
	if (ok)
		schema.release(&schema);
	ok &= drain(&stream, &n_rows, message) == 0;
	cr_assert(!ok || n_rows == N + 500);
	return ok;
}

Test(elementwise, every_allocation_may_fail) /* NH1 */
{
	teg_array *a, *b;
	bool done = false;
	struct world w;

	world_make(&w, (teg_store_options){ 0 });
	make(w.store, "a", 0);
	make(w.store, "b", 500);
	a = open_array(w.store, "a");
	b = open_array(w.store, "b");
	cr_assert(add_all(a, b));
	for (size_t n = 1; !done; n++) {
		size_t refused = w.mem.n_refused;

		w.mem.fail_at = w.mem.n_requests + n;
		done = add_all(a, b);
		w.mem.fail_at = 0;
		cr_assert_eq(done, w.mem.n_refused == refused, "request %zu", n);
	}
	teg_array_close(a);
	teg_array_close(b);
	world_release(&w);
}

Test(elementwise, what_overflows_is_named)
{
	teg_term term = { TEG_MULTIPLY, "v", "x", "area" };
	struct ArrowArrayStream stream;
	char message[288] = "";
	uint64_t n_rows;
	struct world w;
	teg_array *a;

	world_make(&w, (teg_store_options){ 0 });
	make(w.store, "a", 3037000490); /* the root of 2^63 is among them */
	a = open_array(w.store, "a");
	OK(teg_elementwise(a, a, &term, 1, NULL, &stream, err));
	teg_array_close(a); /* the stream keeps it */
	cr_assert_neq(drain(&stream, &n_rows, message), 0);
	cr_assert_str_eq(message, "area overflows int64 in row 10");
	cr_assert_eq(n_rows, 0);
	world_release(&w);
}

Test(elementwise, arguments_are_looked_at)
{
	teg_term term = { TEG_ADD, "v", "v", NULL };
	teg_elementwise_options newer = { .struct_size = 0 };
	struct ArrowArrayStream stream;
	struct world w;
	teg_array *a;

	world_make(&w, (teg_store_options){ 0 });
	make(w.store, "a", 0);
	a = open_array(w.store, "a");
	cr_assert_eq(teg_elementwise(NULL, a, &term, 1, NULL, &stream, NULL), TEG_MISUSE);
	cr_assert_eq(teg_elementwise(a, NULL, &term, 1, NULL, &stream, NULL), TEG_MISUSE);
	cr_assert_eq(teg_elementwise(a, a, NULL, 1, NULL, &stream, NULL), TEG_MISUSE);
	cr_assert_eq(teg_elementwise(a, a, &term, 0, NULL, &stream, NULL), TEG_MISUSE);
	cr_assert_eq(teg_elementwise(a, a, &term, 1, NULL, NULL, NULL), TEG_MISUSE);
	cr_assert_eq(teg_elementwise(a, a, &term, 1, &newer, &stream, NULL), TEG_MISUSE);
	teg_array_close(a);
	world_release(&w);
}
