/* Unique keys with two writers, declared after the table, broken by hand, and while calls fail. */
#include <criterion/criterion.h>
#include "engine/os/faulty.h"
#include "engine/schema/alter.h"
#include "engine/store/store.h"
#include "tests/support/keyed.h"
#include "tests/support/ok.h"

/* ---- two writers ---- */

Test(declared, of_two_writers_of_one_key_one_is_told) /* UNIQUE-3 */
{
	struct keyed f;
	teg_store *other;
	teg_txn *a, *b;
	teg_error why;

	keyed_open(&f, &(struct keyed_choice){ .text = true });
	other = keyed_handle(&f, TEG_CREATE_NO, 0);
	a = keyed_begin(f.store);
	b = keyed_begin(other);
	keyed_append(&f, a, 7);
	keyed_append(&f, b, 8);
	keyed_append(&f, b, 7);
	cr_assert_eq(keyed_end(a, &why), TEG_OK);
	cr_assert_eq(keyed_end(b, &why), TEG_EXISTS);
	cr_assert_eq(why.row, 1);
	a = keyed_begin(f.store);
	b = keyed_begin(other);
	keyed_append(&f, a, 8); /* of the refused commit nothing is there */
	keyed_append(&f, b, 9);
	cr_assert_eq(keyed_end(a, &why), TEG_OK);
	cr_assert_eq(keyed_end(b, &why), TEG_OK);
	teg_store_close(other);
	keyed_close(&f);
}

/* A key that another writer frees can be had, by the very transaction that was refused. */
Test(declared, a_refused_commit_may_be_tried_again)
{
	struct keyed f;
	teg_store *other;
	teg_txn *a, *b;
	teg_error why;
	int64_t row = 0;

	keyed_open(&f, &(struct keyed_choice){ .text = false });
	other = keyed_handle(&f, TEG_CREATE_NO, 0);
	a = keyed_begin(f.store);
	keyed_append(&f, a, 7);
	cr_assert_eq(keyed_end(a, &why), TEG_OK);
	a = keyed_begin(f.store);
	b = keyed_begin(other);
	keyed_append(&f, a, 7);
	cr_assert_eq(teg_txn_commit(a, NULL, &why), TEG_EXISTS);
	keyed_delete(b, &row, 1, NULL);
	cr_assert_eq(keyed_end(b, &why), TEG_OK);
	cr_assert_eq(keyed_end(a, &why), TEG_OK);
	cr_assert_eq(keyed_broken_checks(&f), 0);
	teg_store_close(other);
	keyed_close(&f);
}

/* Or more is said in it, which takes the clash away: what was there already counts once. */
Test(declared, a_refused_commit_may_be_added_to)
{
	static const struct keyed_interval all = { INT64_MIN, 50 }, part = { 10, 20 };
	const int64_t rows[] = { 0, 1 };
	const int keys[] = { 1, 2 };
	teg_commit_result result = { .struct_size = sizeof result };
	struct keyed f;
	teg_error why;
	teg_txn *txn;

	keyed_open(&f, &(struct keyed_choice){ .valid_time = true });
	txn = keyed_begin(f.store);
	keyed_put(&f, txn, NULL, keys, 2, NULL);
	cr_assert_eq(keyed_end(txn, &why), TEG_OK);
	txn = keyed_begin(f.store);
	keyed_put(&f, txn, rows, &keys[1], 1, &all);
	keyed_put(&f, txn, rows, &keys[1], 1, &part);
	keyed_append(&f, txn, 3);
	cr_assert_eq(teg_txn_commit(txn, NULL, &why), TEG_EXISTS);
	keyed_delete(txn, &rows[1], 1, NULL);
	OK(teg_txn_commit(txn, &result, err));
	cr_assert_eq(result.n_rows, 1 + 3 + 1); /* appended, three pieces, deleted */
	cr_assert_eq(keyed_broken_checks(&f), 0);
	keyed_close(&f);
}

/* ---- declared later ---- */

static teg_status declare(const struct keyed *f, bool unique, teg_error *why)
{
	teg_alter change = { .kind = TEG_ALTER_UNIQUE, .key_unique = unique };
	teg_txn *txn = keyed_begin(f->store);

	OK(teg_txn_alter(txn, "t", &change, 1, err));
	return keyed_end(txn, why);
}

Test(declared, is_declared_later_where_it_holds) /* UNIQUE-4 */
{
	struct keyed f;
	teg_error why;
	teg_txn *txn;
	int64_t row = 1;

	keyed_open(&f, &(struct keyed_choice){ .many = true });
	txn = keyed_begin(f.store);
	keyed_append(&f, txn, 1);
	keyed_append(&f, txn, 1);
	cr_assert_eq(keyed_end(txn, &why), TEG_OK);
	cr_assert_eq(declare(&f, true, &why), TEG_EXISTS);
	cr_assert(strstr(why.message, "that of row 0 and of row 1"), "%s", why.message);
	txn = keyed_begin(f.store);
	keyed_delete(txn, &row, 1, NULL);
	cr_assert_eq(keyed_end(txn, &why), TEG_OK);
	cr_assert_eq(declare(&f, true, &why), TEG_OK);
	txn = keyed_begin(f.store);
	keyed_append(&f, txn, 1);
	cr_assert_eq(keyed_end(txn, &why), TEG_EXISTS);
	cr_assert_eq(declare(&f, false, &why), TEG_OK);
	txn = keyed_begin(f.store);
	keyed_append(&f, txn, 1);
	cr_assert_eq(keyed_end(txn, &why), TEG_OK);
	keyed_close(&f);
}

/* Staged while keys could repeat, committed when they cannot any more. */
Test(declared, binds_who_began_before_it_was_declared)
{
	struct keyed f;
	teg_store *other;
	teg_error why;
	teg_txn *txn;

	keyed_open(&f, &(struct keyed_choice){ .many = true });
	other = keyed_handle(&f, TEG_CREATE_NO, 0);
	txn = keyed_begin(f.store);
	keyed_append(&f, txn, 1);
	cr_assert_eq(keyed_end(txn, &why), TEG_OK);
	txn = keyed_begin(other);
	keyed_append(&f, txn, 1);
	cr_assert_eq(declare(&f, true, &why), TEG_OK);
	cr_assert_eq(keyed_end(txn, &why), TEG_EXISTS);
	teg_store_close(other);
	keyed_close(&f);
}

Test(declared, needs_a_key_attribute)
{
	teg_attribute v = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = &v,
		          .n_attributes = 1,
		          .key_unique = true };
	teg_alter change = { .kind = TEG_ALTER_UNIQUE, .key_unique = true };
	struct keyed f;
	teg_error why;
	teg_txn *txn;

	keyed_open(&f, &(struct keyed_choice){ .text = false });
	txn = keyed_begin(f.store);
	cr_assert_eq(teg_txn_create(txn, "plain", &spec, &why), TEG_SCHEMA);
	spec.key_unique = false;
	OK(teg_txn_create(txn, "plain", &spec, err));
	OK(teg_txn_commit(txn, NULL, err));
	txn = keyed_begin(f.store);
	cr_assert_eq(teg_txn_alter(txn, "plain", &change, 1, &why), TEG_SCHEMA);
	teg_txn_abort(txn);
	keyed_close(&f);
}

/* ---- a store that breaks it ---- */

/* What no writer of ours does: the schema says so, and nobody looked. */
static void declare_blindly(const struct keyed *f)
{
	teg_alter alter = { .kind = TEG_ALTER_UNIQUE, .key_unique = true };
	struct array_change change = { .name = "t" };
	struct commit_request request = { .changes = &change, .n_changes = 1, .action = "alter" };
	teg_commit_result result = { .struct_size = sizeof result };
	struct store_version *version;
	struct array_state state;
	struct arena arena;

	arena_init(&arena, &f->mem.alloc, SIZE_MAX);
	OK(version_open_newest(f->store, &version, err));
	OK(version_array(version, "t", &arena, &state, err));
	OK(schema_alter(state.schema, &alter, 1, &arena, &change.alter, err));
	change.array_id = state.id;
	change.alters = state.schema->version;
	version_unref(version);
	request.commit_id[0] = 1;
	OK(store_commit(f->store, &request, &result, NULL, err));
	arena_release(&arena);
}

struct told {
	int n;
	teg_error last;
};

static void note(void *ctx, const teg_error *broken)
{
	struct told *told = ctx;

	told->n++;
	told->last = *broken;
}

Test(declared, verify_finds_two_rows_with_one_key) /* UNIQUE-1 */
{
	teg_verify_result result = { .struct_size = sizeof result };
	struct told told = { 0 };
	struct keyed f;
	teg_error why;
	teg_txn *txn;

	keyed_open(&f, &(struct keyed_choice){ .many = true, .text = true });
	for (int i = 0; i < 3; i++) {
		txn = keyed_begin(f.store);
		keyed_append(&f, txn, i == 1);
		cr_assert_eq(keyed_end(txn, &why), TEG_OK);
	}
	cr_assert_eq(keyed_broken_checks(&f), 0);
	declare_blindly(&f);
	OK(teg_verify(f.store, true, note, &told, &result, err));
	cr_assert_eq(result.broken_checks, 1);
	cr_assert_eq(told.n, 1);
	cr_assert_eq(told.last.status, TEG_SCHEMA);
	cr_assert_eq(told.last.row, 2);
	cr_assert_str_eq(told.last.array, "t");
	cr_assert_str_eq(told.last.message, "column id: key 'k0' is that of row 0 and of row 2");
	keyed_close(&f);
}

/* ---- failing calls and memory ---- */

/* A second row with a key that an update has freed, and one with a key that is there. */
static teg_status try_both(struct keyed *f, teg_error *why)
{
	teg_txn *txn;
	teg_status status = teg_txn_begin(f->store, NULL, &txn, why);

	if (status != TEG_OK)
		return status;
	status = teg_txn_put(txn, "t",
	                     (const teg_column[]){
				     { .name = "id", .values = (const int32_t[]){ 1, 2 } },
				     { .name = "v", .values = (const int64_t[]){ 0, 0 } } },
	                     2, 2, NULL, why);
	if (status == TEG_OK)
		status = teg_txn_commit(txn, NULL, why);
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return status;
}

static void open_with_rows(struct keyed *f)
{
	static const int keys[] = { 1, 2, 3 };
	teg_error why;
	teg_txn *txn;

	keyed_open(f, &(struct keyed_choice){ .text = false });
	txn = keyed_begin(f->store);
	keyed_put(f, txn, NULL, keys, 3, NULL);
	cr_assert_eq(keyed_end(txn, &why), TEG_OK);
	txn = keyed_begin(f->store);
	keyed_update(f, txn, 0, 9);
	cr_assert_eq(keyed_end(txn, &why), TEG_OK);
}

Test(declared, lets_nothing_through_where_memory_is_short)
{
	for (size_t n = 1;; n++) {
		struct keyed f;
		teg_status status;
		teg_error why;
		size_t refused;

		open_with_rows(&f);
		f.mem.fail_at = f.mem.n_requests + n;
		status = try_both(&f, &why);
		f.mem.fail_at = 0;
		refused = f.mem.n_refused;
		cr_assert(status == TEG_EXISTS || (refused && status == TEG_NOMEM), "%zu: %s %s", n,
		          teg_status_name(status), why.message);
		cr_assert_eq(keyed_broken_checks(&f), 0);
		keyed_close(&f);
		if (!refused)
			break;
		cr_assert_lt(n, 5000);
	}
}

Test(declared, lets_nothing_through_where_a_call_fails)
{
	for (uint64_t n = 1;; n++) {
		struct keyed f;
		teg_status status;
		struct os *inner;
		teg_error why;
		bool hit;

		open_with_rows(&f);
		inner = f.os;
		teg_store_close(f.store);
		f.os = os_faulty_new(inner, &f.mem.alloc);
		f.store = keyed_handle(&f, TEG_CREATE_NO, 0);
		faulty_set(f.os, n, 5, false);
		status = try_both(&f, &why);
		hit = faulty_hit(f.os);
		faulty_set(f.os, 0, 0, false);
		cr_assert_neq(status, TEG_OK, "call %llu", (unsigned long long)n);
		cr_assert(hit || status == TEG_EXISTS);
		teg_store_close(f.store);
		os_free(f.os);
		f.os = inner;
		f.store = keyed_handle(&f, TEG_CREATE_NO, 0);
		cr_assert_eq(keyed_broken_checks(&f), 0);
		keyed_close(&f);
		if (!hit)
			break;
	}
}

/* Values are compared at the width that the attribute has now, whatever segments hold. */
Test(declared, holds_for_a_key_that_was_renamed_and_widened) /* UNIQUE-1 */
{
	teg_alter changes[] = {
		{ .kind = TEG_ALTER_RENAME, .name = "id", .new_name = "number" },
		{ .kind = TEG_ALTER_WIDEN, .name = "number", .type = { .type = TEG_INT64 } }
	};
	static const int64_t again[] = { -7, INT64_MAX }, v[] = { 0, 0 };
	teg_column columns[] = { { .name = "number", .values = again },
		                 { .name = "v", .values = v } };
	struct keyed f;
	teg_error why;
	teg_txn *txn;

	keyed_open(&f, &(struct keyed_choice){ .text = false });
	txn = keyed_begin(f.store);
	keyed_append(&f, txn, -7);
	cr_assert_eq(keyed_end(txn, &why), TEG_OK);
	txn = keyed_begin(f.store);
	OK(teg_txn_alter(txn, "t", changes, 2, err));
	OK(teg_txn_commit(txn, NULL, err));
	for (int merged = 0; merged < 2; merged++) {
		txn = keyed_begin(f.store);
		OK(teg_txn_put(txn, "t", columns, 2, 2, NULL, err));
		cr_assert_eq(keyed_end(txn, &why), TEG_EXISTS);
		cr_assert_str_eq(why.column, "number");
		cr_assert(strstr(why.message, "key -7"), "%s", why.message);
		keyed_compact(&f);
	}
	columns[0].values = again + 1;
	txn = keyed_begin(f.store);
	OK(teg_txn_put(txn, "t", columns, 2, 1, NULL, err));
	cr_assert_eq(keyed_end(txn, &why), TEG_OK);
	keyed_close(&f);
}
