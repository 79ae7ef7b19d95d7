/* Elementwise results under failing memory, and where a result overflows. What they mean is compared
 * with brute force in elementwise_test.py. */
#include <stdio.h>
#include <string.h>
#include "engine/os/memory.h"
#include "engine/os/os.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"

#define N 3000

static teg_status make(teg_store *store, const char *name, int64_t first, teg_error *err)
{
	teg_dimension dim = { .name = "x", .type = { .type = TEG_INT64 } };
	teg_attribute attr = { .name = "v", .type = { .type = TEG_INT64 }, .nullable = true };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .dimensions = &dim,
		          .n_dimensions = 1,
		          .attributes = &attr,
		          .n_attributes = 1,
		          .tile_cells = 256 };
	static int64_t x[N];
	teg_column columns[] = { { .name = "x", .values = x }, { .name = "v", .values = x } };
	teg_txn *txn;
	teg_status status;

	for (int64_t i = 0; i < N; i++)
		x[i] = first + i;
	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	status = teg_txn_create(txn, name, &spec, err);
	if (status == TEG_OK)
		status = teg_txn_put(txn, name, columns, 2, N, NULL, err);
	if (status == TEG_OK)
		status = teg_txn_commit(txn, NULL, err);
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return status;
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
	struct memory mem;
	struct os *os;
	teg_store *store;
	teg_array *a, *b;
	bool done = false;

	memory_init(&mem);
	os = os_memory_new(&mem.alloc, 1);
	OK(teg_store_open(NULL,
	                  &(teg_store_options){ .struct_size = sizeof(teg_store_options),
	                                        .create = TEG_CREATE_IF_MISSING,
	                                        .allocator = &mem.alloc,
	                                        .os = os },
	                  &store, err));
	OK(make(store, "a", 0, err));
	OK(make(store, "b", 500, err));
	a = open_array(store, "a");
	b = open_array(store, "b");
	cr_assert(add_all(a, b));
	for (size_t n = 1; !done; n++) {
		size_t refused = mem.n_refused;

		mem.fail_at = mem.n_requests + n;
		done = add_all(a, b);
		mem.fail_at = 0;
		cr_assert_eq(done, mem.n_refused == refused, "request %zu", n);
	}
	teg_array_close(a);
	teg_array_close(b);
	teg_store_close(store);
	os_free(os);
	memory_check(&mem);
}

Test(elementwise, what_overflows_is_named)
{
	teg_term term = { TEG_MULTIPLY, "v", "x", "area" };
	struct os *os = os_memory_new(teg_allocator_default(), 1);
	struct ArrowArrayStream stream;
	char message[288] = "";
	uint64_t n_rows;
	teg_store *store;
	teg_array *a;

	OK(teg_store_open(NULL,
	                  &(teg_store_options){ .struct_size = sizeof(teg_store_options),
	                                        .create = TEG_CREATE_IF_MISSING,
	                                        .os = os },
	                  &store, err));
	OK(make(store, "a", 3037000490, err)); /* the root of 2^63 is among them */
	a = open_array(store, "a");
	OK(teg_elementwise(a, a, &term, 1, NULL, &stream, err));
	teg_array_close(a); /* the stream keeps it */
	cr_assert_neq(drain(&stream, &n_rows, message), 0);
	cr_assert_str_eq(message, "area overflows int64 in row 10");
	cr_assert_eq(n_rows, 0);
	teg_store_close(store);
	os_free(os);
}

Test(elementwise, arguments_are_looked_at)
{
	teg_term term = { TEG_ADD, "v", "v", NULL };
	teg_elementwise_options newer = { .struct_size = 0 };
	struct os *os = os_memory_new(teg_allocator_default(), 1);
	struct ArrowArrayStream stream;
	teg_store *store;
	teg_array *a;

	OK(teg_store_open(NULL,
	                  &(teg_store_options){ .struct_size = sizeof(teg_store_options),
	                                        .create = TEG_CREATE_IF_MISSING,
	                                        .os = os },
	                  &store, err));
	OK(make(store, "a", 0, err));
	a = open_array(store, "a");
	cr_assert_eq(teg_elementwise(NULL, a, &term, 1, NULL, &stream, NULL), TEG_MISUSE);
	cr_assert_eq(teg_elementwise(a, NULL, &term, 1, NULL, &stream, NULL), TEG_MISUSE);
	cr_assert_eq(teg_elementwise(a, a, NULL, 1, NULL, &stream, NULL), TEG_MISUSE);
	cr_assert_eq(teg_elementwise(a, a, &term, 0, NULL, &stream, NULL), TEG_MISUSE);
	cr_assert_eq(teg_elementwise(a, a, &term, 1, NULL, NULL, NULL), TEG_MISUSE);
	cr_assert_eq(teg_elementwise(a, a, &term, 1, &newer, &stream, NULL), TEG_MISUSE);
	teg_array_close(a);
	teg_store_close(store);
	os_free(os);
}
