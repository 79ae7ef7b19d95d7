/* A program as a user writes it: one header, whatever way the library was found. Writes two rows
 * of a table to the store named on the command line and reads them back. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <tegula/tegula.h>

static teg_status write_rows(teg_store *store, teg_error *err)
{
	static const int64_t n[] = { 40, 2 };
	static const char text[] = "firstsecond";
	static const int32_t ends[] = { 0, 5, 11 };
	teg_attribute attributes[] = { { .name = "n", .type = { .type = TEG_INT64 } },
		                       { .name = "name", .type = { .type = TEG_UTF8 } } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = attributes,
		          .n_attributes = 2 };
	teg_column columns[] = { { .name = "n", .values = n },
		                 { .name = "name", .values = text, .offsets = ends } };
	teg_commit_result done = { .struct_size = sizeof done };
	teg_txn *txn;
	teg_status status = teg_txn_begin(store, NULL, &txn, err);

	if (status == TEG_OK)
		status = teg_txn_create(txn, "greetings", &spec, err);
	if (status == TEG_OK)
		status = teg_txn_put(txn, "greetings", columns, 2, 2, NULL, err);
	if (status == TEG_OK)
		status = teg_txn_commit(txn, &done, err);
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return status;
}

/* Adds up column n of all batches. */
static teg_status sum_rows(teg_array *array, int64_t *sum_out, teg_error *err)
{
	const char *const names[] = { "n" };
	teg_scan_options options = { .struct_size = sizeof options,
		                     .columns = names,
		                     .n_columns = 1 };
	struct ArrowArray batch;
	teg_scan *scan;
	teg_status status = teg_scan_open(array, &options, &scan, err);

	*sum_out = 0;
	while (status == TEG_OK && (status = teg_scan_next(scan, &batch, err)) == TEG_OK) {
		const int64_t *values = batch.children[0]->buffers[1];

		for (int64_t i = 0; i < batch.length; i++)
			*sum_out += values[i];
		batch.release(&batch);
	}
	teg_scan_close(scan);
	return status == TEG_END ? TEG_OK : status;
}

static teg_status read_rows(teg_store *store, int64_t *sum_out, teg_error *err)
{
	teg_snapshot *snapshot = NULL;
	teg_array *array = NULL;
	teg_status status = teg_snapshot_open(store, &snapshot, err);

	if (status == TEG_OK)
		status = teg_array_open(snapshot, "greetings", &array, err);
	if (status == TEG_OK)
		status = sum_rows(array, sum_out, err);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	return status;
}

int main(int argc, char **argv)
{
	teg_store_options options = { .struct_size = sizeof options, .create = TEG_CREATE_NEW };
	teg_error err = { .status = TEG_OK };
	teg_store *store = NULL;
	int64_t sum = 0;
	teg_status status;

	if (argc != 2)
		return 2;
	status = teg_store_open(argv[1], &options, &store, &err);
	if (status == TEG_OK)
		status = write_rows(store, &err);
	if (status == TEG_OK)
		status = read_rows(store, &sum, &err);
	teg_store_close(store);
	if (status != TEG_OK)
		fprintf(stderr, "%s: %s\n", teg_status_name(status), err.message);
	printf("tegula %s: %lld\n", teg_version(), (long long)sum);
	return status != TEG_OK || sum != 42;
}
