/* Unique keys of tables: who may have which key, held against a plain list of what each row holds. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "tests/support/keyed.h"
#include "tests/support/ok.h"
#include "tests/support/rng.h"

/* ---- one commit after the other ---- */

/* Calls: a KEY appends, u ROW KEY updates, d ROW deletes, e ROW erases; '-' is no key. A script's
 * transactions are parted by ';', and every one succeeds but the last where `row` is not -2. */
static const struct {
	const char *script;
	int64_t row; /* what the refusal names; -2: all go through */
	const char *message;
} scripts[] = {
	{ "a1;a2;a3", -2, NULL },
	{ "a1 a2;a1", 0, "would be that of row 0 and of appended row 0" },
	{ "a1;a2 a3 a1", 2, "would be that of row 0 and of appended row 2" },
	{ "a1 a2 a1", 2, "would be that of appended row 0 and of appended row 2" },
	{ "a- a-;a-;a1", -2, NULL },
	{ "a1;d0;a1", -2, NULL },
	{ "a1;d0 a1", -2, NULL },
	{ "a1;a1 d0", -2, NULL },
	{ "a1;e0 a1", -2, NULL },
	{ "a1;u0,2;a1", -2, NULL },
	{ "a1;u0,2 a1", -2, NULL },
	{ "a1;u0,2;a2", 0, "would be that of row 0 and of appended row 0" },
	{ "a1;u0,-;a1", -2, NULL },
	{ "a1;u0,1;u0,1", -2, NULL },
	{ "a1 a2;u1,1", 1, "would be that of row 0 and of row 1" },
	{ "a1 a2;u0,2 u1,1", -2, NULL }, /* they change places */
	{ "a1 a2;u0,2 u1,3 u1,1", -2, NULL },
	{ "a1 a2;u0,2 u1,2", 1, "would be that of row 0 and of row 1" },
	{ "a1;d0;u0,1;a1", 0, "would be that of row 0 and of appended row 0" },
	{ "a1;d0;a1;u0,1", 1, "would be that of row 0 and of row 1" },
	{ "a1;u9,1", 9, "would be that of row 0 and of row 9" },
	{ "a1;u9,2;a3;a2", 0, "would be that of row 9 and of appended row 0" },
};

static int key_of(const char **at)
{
	char *end;
	long key;

	if (**at == '-') {
		++*at;
		return KEYED_NONE;
	}
	key = strtol(*at, &end, 10);
	*at = end;
	return (int)key;
}

static void erase_one(teg_txn *txn, int64_t id)
{
	teg_column column = { .name = "row_id", .values = &id };
	teg_erase what = {
		.struct_size = sizeof what, .columns = &column, .n_columns = 1, .n_rows = 1
	};

	OK(teg_txn_erase(txn, "t", &what, err));
}

static const char *run_calls(const struct keyed *f, teg_txn *txn, const char *at)
{
	while (*at && *at != ';') {
		char call = *at++;
		int64_t id;

		if (call == 'a') {
			keyed_append(f, txn, key_of(&at));
		} else if (call != ' ') {
			id = key_of(&at);
			if (call == 'u' && *at++ == ',')
				keyed_update(f, txn, id, key_of(&at));
			else if (call == 'd')
				keyed_delete(txn, &id, 1, NULL);
			else
				erase_one(txn, id);
		}
	}
	return at;
}

static void run_script(size_t i, bool text, bool compacts)
{
	const char *at = scripts[i].script;
	struct keyed f;

	keyed_open(&f, &(struct keyed_choice){ .text = text });
	while (*at) {
		teg_txn *txn = keyed_begin(f.store);
		teg_error why = { .row = -2 };

		at = run_calls(&f, txn, at);
		if (keyed_end(txn, &why) != TEG_OK)
			cr_assert_eq(*at, 0, "%s: %s", scripts[i].script, why.message);
		else
			why.row = -2;
		if (!*at++) {
			cr_assert_eq(why.row, scripts[i].row, "%s: %s", scripts[i].script,
			             why.message);
			if (why.row != -2) {
				cr_assert_str_eq(why.array, "t");
				cr_assert_str_eq(why.column, "id");
				cr_assert(strstr(why.message, scripts[i].message), "%s: %s",
				          scripts[i].script, why.message);
				cr_assert(strstr(why.message, text ? "key 'k" : "key "));
			}
			break;
		}
		if (compacts)
			keyed_compact(&f);
	}
	cr_assert_eq(keyed_broken_checks(&f), 0, "%s", scripts[i].script);
	keyed_close(&f);
}

Test(unique, says_who_has_a_key_and_who_would) /* UNIQUE-1 UNIQUE-3 */
{
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
		for (int how = 0; how < 4; how++)
			run_script(i, how & 1, how & 2);
}

/* ---- many rows ---- */

struct model {
	int key[KEYED_ROWS_MAX]; /* by row id; KEYED_NONE - 1: no row */
	int64_t n;
	int holders[KEYED_ROWS_MAX]; /* of a key */
};

static void model_set(struct model *m, int64_t row, int key)
{
	if (m->key[row] >= 0)
		m->holders[m->key[row]]--;
	m->key[row] = key;
	if (key >= 0)
		m->holders[key]++;
}

static bool model_clashes(const struct model *m)
{
	for (int k = 0; k < KEYED_ROWS_MAX; k++)
		if (m->holders[k] > 1)
			return true;
	return false;
}

static void random_calls(const struct keyed *f, struct model *m, struct rng *rng, teg_txn *txn)
{
	static int keys[300];
	int64_t ids[20];
	size_t n = m->n ? rng_below(rng, 20) : 0, n_more = rng_below(rng, 200);

	for (size_t i = 0; i < n; i++) {
		ids[i] = (int64_t)rng_below(rng, (uint64_t)m->n);
		model_set(m, ids[i], KEYED_NONE - 1);
	}
	keyed_delete(txn, ids, n, NULL);
	n = m->n ? rng_below(rng, 4) : 0;
	for (size_t i = 0; i < n; i++) {
		ids[i] = (int64_t)rng_below(rng, (uint64_t)m->n);
		keys[i] = (int)rng_below(rng, KEYED_ROWS_MAX);
		model_set(m, ids[i], keys[i]);
	}
	keyed_put(f, txn, ids, keys, n, NULL);
	for (size_t i = 0; i < n_more; i++) {
		/* Mostly keys that nobody has had. */
		keys[i] = rng_below(rng, 300) ? (int)(m->n + (int64_t)i)
		                              : (int)rng_below(rng, KEYED_ROWS_MAX);
		model_set(m, m->n + (int64_t)i, keys[i]);
	}
	keyed_put(f, txn, NULL, keys, n_more, NULL);
	m->n += (int64_t)n_more;
}

static void random_commits(bool text, size_t write_budget, uint64_t seed)
{
	static struct model m, before;
	struct rng rng = { seed };
	struct keyed f;
	int refused = 0;

	keyed_open(&f, &(struct keyed_choice){ .text = text, .write_budget = write_budget });
	memset(&m, 0, sizeof m);
	for (int i = 0; i < KEYED_ROWS_MAX; i++)
		m.key[i] = KEYED_NONE - 1;
	for (int i = 0; i < 60 && m.n < KEYED_ROWS_MAX - 400; i++) {
		teg_txn *txn = keyed_begin(f.store);
		teg_error why;
		teg_status status;

		before = m;
		random_calls(&f, &m, &rng, txn);
		status = keyed_end(txn, &why);
		cr_assert_eq(status == TEG_EXISTS, model_clashes(&m), "commit %d: %s", i,
		             teg_status_name(status));
		if (status == TEG_EXISTS)
			m = before;
		refused += status == TEG_EXISTS;
		if (i % 20 == 19)
			keyed_compact(&f);
	}
	cr_assert_gt(refused, 5);
	cr_assert_eq(keyed_broken_checks(&f), 0);
	keyed_close(&f);
}

Test(unique, agrees_with_a_list_of_numbers) /* UNIQUE-1 */
{
	random_commits(false, 0, 3);
}

Test(unique, agrees_with_a_list_of_texts)
{
	random_commits(true, 0, 4);
}

Test(unique, agrees_where_transactions_spill)
{
	random_commits(false, 3000, 5);
}

/* ---- valid time ---- */

static const struct {
	struct keyed_interval first, second;
	bool clash;
} pairs[] = {
	{ { 0, 10 }, { 10, 20 }, false },
	{ { 10, 20 }, { 0, 10 }, false },
	{ { 0, 11 }, { 10, 20 }, true },
	{ { 10, 20 }, { 0, 11 }, true },
	{ { 0, 100 }, { 10, 20 }, true },
	{ { 10, 20 }, { 0, 100 }, true },
	{ { INT64_MIN, 10 }, { 10, INT64_MAX }, false },
	{ { INT64_MIN, INT64_MAX }, { 5, 6 }, true },
	{ { 5, INT64_MAX }, { TEG_TIME_OF_COMMIT, INT64_MAX }, true },
	{ { INT64_MIN, 5 }, { TEG_TIME_OF_COMMIT, INT64_MAX }, false },
};

static void try_pair(size_t i, bool at_once)
{
	struct keyed f;
	teg_error why;
	teg_txn *txn;
	int key = 3;

	keyed_open(&f, &(struct keyed_choice){ .valid_time = true });
	txn = keyed_begin(f.store);
	keyed_put(&f, txn, NULL, &key, 1, &pairs[i].first);
	if (!at_once) {
		cr_assert_eq(keyed_end(txn, &why), TEG_OK);
		txn = keyed_begin(f.store);
	}
	keyed_put(&f, txn, NULL, &key, 1, &pairs[i].second);
	cr_assert_eq(keyed_end(txn, &why) == TEG_EXISTS, pairs[i].clash, "pair %zu", i);
	keyed_close(&f);
}

Test(unique, holds_at_each_valid_time) /* UNIQUE-1 */
{
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		try_pair(i, false);
		try_pair(i, true);
	}
}

/* What a delete takes of a validity, another row may have. */
Test(unique, a_part_of_a_validity_is_freed)
{
	static const struct keyed_interval part = { 10, 20 }, inside = { 12, 18 },
					   beyond = { 12, 21 };
	struct keyed f;
	teg_error why;
	teg_txn *txn;
	int64_t row = 0;
	int key = 3;

	keyed_open(&f, &(struct keyed_choice){ .valid_time = true });
	txn = keyed_begin(f.store);
	keyed_append(&f, txn, key);
	cr_assert_eq(keyed_end(txn, &why), TEG_OK);
	txn = keyed_begin(f.store);
	keyed_delete(txn, &row, 1, &part);
	cr_assert_eq(keyed_end(txn, &why), TEG_OK);
	txn = keyed_begin(f.store);
	keyed_put(&f, txn, NULL, &key, 1, &beyond);
	cr_assert_eq(keyed_end(txn, &why), TEG_EXISTS);
	txn = keyed_begin(f.store);
	keyed_put(&f, txn, NULL, &key, 1, &inside);
	cr_assert_eq(keyed_end(txn, &why), TEG_OK);
	keyed_compact(&f);
	cr_assert_eq(keyed_broken_checks(&f), 0);
	keyed_close(&f);
}
