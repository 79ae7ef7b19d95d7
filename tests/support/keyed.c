#include "tests/support/keyed.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include "codec/base/bits.h"
#include "engine/os/memory.h"
#include "tests/support/ok.h"

teg_store *keyed_handle(struct keyed *f, teg_create create, size_t write_budget)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = create,
		                      .allocator = &f->mem.alloc,
		                      .write_budget = write_budget,
		                      .os = f->os };
	teg_store *store;

	OK(teg_store_open(NULL, &options, &store, err));
	return store;
}

void keyed_open(struct keyed *f, const struct keyed_choice *choice)
{
	teg_attribute attrs[] = { { .name = "id",
		                    .type = { .type = choice->text ? TEG_UTF8 : TEG_INT32 },
		                    .nullable = true },
		                  { .name = "v", .type = { .type = TEG_INT64 } } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .valid_time = choice->valid_time,
		          .attributes = attrs,
		          .n_attributes = 2,
		          .tile_cells = 64,
		          .key = "id",
		          .key_unique = !choice->many };
	teg_txn *txn;

	memset(f, 0, sizeof *f);
	f->text = choice->text;
	memory_init(&f->mem);
	f->os = os_memory_new(&f->mem.alloc, 1);
	f->store = keyed_handle(f, TEG_CREATE_NEW, choice->write_budget);
	OK(teg_txn_begin(f->store, NULL, &txn, err));
	OK(teg_txn_create(txn, "t", &spec, err));
	OK(teg_txn_commit(txn, NULL, err));
}

void keyed_close(struct keyed *f)
{
	teg_store_close(f->store);
	os_free(f->os);
	memory_check(&f->mem);
}

void keyed_put(const struct keyed *f, teg_txn *txn, const int64_t *ids, const int *keys, size_t n,
               const struct keyed_interval *valid)
{
	static char texts[KEYED_ROWS_MAX * 16];
	static int32_t numbers[KEYED_ROWS_MAX], offsets[KEYED_ROWS_MAX + 1];
	static int64_t values[KEYED_ROWS_MAX];
	static uint8_t validity[KEYED_ROWS_MAX / 8 + 1];
	teg_put_options options = { .struct_size = sizeof options,
		                    .row_id_column = ids ? "row" : NULL,
		                    .valid_from = valid ? valid->from : 0,
		                    .valid_until = valid ? valid->until : 0 };
	teg_column columns[] = { { .name = "id",
		                   .values = f->text ? (const void *)texts : numbers,
		                   .offsets = f->text ? offsets : NULL,
		                   .validity = validity },
		                 { .name = "v", .values = values },
		                 { .name = "row", .values = ids, .type = { .type = TEG_INT64 } } };

	for (size_t i = 0; i < n; i++) {
		char *text = texts + offsets[i];

		offsets[i + 1] = offsets[i] + (keys[i] < 0 ? 0 : sprintf(text, "k%d", keys[i]));
		numbers[i] = keys[i];
		bitmap_put(validity, i, keys[i] != KEYED_NONE);
	}
	OK(teg_txn_put(txn, "t", columns, ids ? 3 : 2, n, &options, err));
}

void keyed_delete(teg_txn *txn, const int64_t *ids, size_t n, const struct keyed_interval *valid)
{
	teg_column column = { .name = "row_id", .values = ids };
	teg_put_options options = { .struct_size = sizeof options,
		                    .valid_from = valid ? valid->from : 0,
		                    .valid_until = valid ? valid->until : 0 };

	OK(teg_txn_delete(txn, "t", &column, 1, n, valid ? &options : NULL, err));
}

void keyed_append(const struct keyed *f, teg_txn *txn, int key)
{
	keyed_put(f, txn, NULL, &key, 1, NULL);
}

void keyed_update(const struct keyed *f, teg_txn *txn, int64_t id, int key)
{
	keyed_put(f, txn, &id, &key, 1, NULL);
}

teg_status keyed_end(teg_txn *txn, teg_error *err)
{
	teg_status status = teg_txn_commit(txn, NULL, err);

	if (status != TEG_OK)
		teg_txn_abort(txn);
	cr_assert(status == TEG_OK || status == TEG_EXISTS, "%s: %s", teg_status_name(status),
	          err->message);
	return status;
}

teg_txn *keyed_begin(teg_store *store)
{
	teg_txn *txn;

	OK(teg_txn_begin(store, NULL, &txn, err));
	return txn;
}

uint64_t keyed_broken_checks(const struct keyed *f)
{
	teg_verify_result result = { .struct_size = sizeof result };

	OK(teg_verify(f->store, true, NULL, NULL, &result, err));
	cr_assert_eq(result.damages, 0);
	return result.broken_checks;
}

void keyed_compact(const struct keyed *f)
{
	OK(teg_compact(f->store, NULL, NULL, err));
}
