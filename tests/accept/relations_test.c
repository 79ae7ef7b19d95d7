/* Questions whose answers must agree with each other, whatever they are: random histories of a few cells
 * with valid time, of unique, repeated and dense cells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/rng.h"
#include "tests/support/show.h"
#include "tests/support/world.h"

#define CELLS 4
#define BOUND 12 /* of valid time */
#define OPS_MAX 24
#define ROUNDS 30

enum kind { UNIQUE, REPEATED, DENSE, N_KINDS };

struct op {
	enum { PUT, DELETE, DELETE_BOX, ERASE, ERASE_BOX, DELETE_WHERE, ERASE_WHERE } what;
	int32_t x, end;
	int64_t value, from, until;
};

/* Which calls are drawn: predicates see what was there before their transaction, the others do not. */
enum calls { NO_ERASURES = 13, ERASURES = 15, ALL_CALLS = 18 };

static struct op draw(struct rng *rng, enum calls calls)
{
	uint32_t kind = (uint32_t)rng_below(rng, calls);
	struct op op = { .what = kind < 8    ? PUT
		                 : kind < 11 ? DELETE
		                 : kind < 13 ? DELETE_BOX
		                 : kind < 14 ? ERASE
		                 : kind < 15 ? ERASE_BOX
		                 : kind < 17 ? DELETE_WHERE
		                             : ERASE_WHERE };

	op.x = (int32_t)rng_below(rng, CELLS);
	op.end = op.x + (int32_t)rng_below(rng, (uint32_t)(CELLS - op.x));
	op.value = (int64_t)rng_below(rng, 50);
	op.from = rng_below(rng, 3) ? (int64_t)rng_below(rng, BOUND - 1) : INT64_MIN;
	op.until = rng_below(rng, 3)
	                   ? (op.from == INT64_MIN ? 0 : op.from) + 1 + (int64_t)rng_below(rng, 4)
	                   : INT64_MAX;
	return op;
}

static void create(struct world *w, enum kind kind)
{
	teg_dimension x = { .name = "x", .type = { .type = TEG_INT32 } };
	teg_attribute value = { .name = "value", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = kind == DENSE ? TEG_DENSE : TEG_SPARSE,
		          .cells = kind == REPEATED ? TEG_CELLS_REPEATED : TEG_CELLS_UNIQUE,
		          .valid_time = true,
		          .dimensions = &x,
		          .n_dimensions = 1,
		          .attributes = &value,
		          .n_attributes = 1,
		          .tile_cells = kind == DENSE ? 0 : 3 };
	teg_txn *txn;

	x.lo = (teg_value){ .type = TEG_INT32, .as.i = 0 };
	x.hi = (teg_value){ .type = TEG_INT32, .as.i = CELLS - 1 };
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_create(txn, "a", &spec, err));
	OK(teg_txn_commit(txn, NULL, err));
}

static void call_where(teg_txn *txn, const struct op *op, const teg_put_options *options)
{
	teg_value value = { .type = TEG_INT64, .as.i = op->value };
	teg_predicate *where;
	teg_erase erase = { .struct_size = sizeof erase };

	OK(teg_predicate_compare("value", TEG_GT, &value, NULL, &where, err));
	erase.predicate = where;
	if (op->what == DELETE_WHERE)
		OK(teg_txn_delete_where(txn, "a", NULL, where, options, NULL, err));
	else
		OK(teg_txn_erase(txn, "a", &erase, err));
	teg_predicate_free(where);
}

static void call(teg_txn *txn, const struct op *op)
{
	teg_column columns[] = { { .name = "x", .values = &op->x },
		                 { .name = "value", .values = &op->value } };
	teg_put_options options = { .struct_size = sizeof options };
	teg_range box = { { .type = TEG_INT32, .as.i = op->x },
		          { .type = TEG_INT32, .as.i = op->end } };
	teg_erase erase = {
		.struct_size = sizeof erase, .columns = columns, .n_columns = 1, .n_rows = 1
	};

	if (op->from != INT64_MIN || op->until != INT64_MAX) {
		options.valid_from = op->from;
		options.valid_until = op->until;
	}
	if (op->what == ERASE_BOX)
		erase = (teg_erase){ .struct_size = sizeof erase, .box = &box };
	if (op->what == PUT)
		OK(teg_txn_put(txn, "a", columns, 2, 1, &options, err));
	else if (op->what == DELETE)
		OK(teg_txn_delete(txn, "a", columns, 1, 1, &options, err));
	else if (op->what == DELETE_BOX)
		OK(teg_txn_delete_box(txn, "a", &box, &options, err));
	else if (op->what >= DELETE_WHERE)
		call_where(txn, op, &options);
	else
		OK(teg_txn_erase(txn, "a", &erase, err));
}

static void commit(struct world *w, const struct op *ops, size_t n, int64_t at)
{
	teg_txn_options options = { .struct_size = sizeof options, .system_time = at };
	teg_txn *txn;

	OK(teg_txn_begin(w->store, &options, &txn, err));
	for (size_t i = 0; i < n; i++)
		call(txn, &ops[i]);
	OK(teg_txn_commit(txn, NULL, err));
}

/* ---- answers as text, with their rows in an order of their own ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

#define TEXT_MAX 16384

static const char *sorted(const char *rows, char out[TEXT_MAX])
{
	char *copy = strdup(rows), *at[512];
	size_t n = 0, len = 0;

	cr_assert_lt(strlen(rows), TEXT_MAX - 512);
	for (char *row = strtok(copy, "|"); row; row = strtok(NULL, "|"))
		at[n++] = row;
	qsort(at, n, sizeof *at, by_text);
	*out = 0;
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(out + len, "%s|", at[i]);
	free(copy);
	return out;
}

static const char *const no_times[] = { "x", "value", "valid_from", "valid_until" };

static teg_scan_options plain(void)
{
	return (teg_scan_options){ .struct_size = sizeof(teg_scan_options),
		                   .columns = no_times,
		                   .n_columns = 4 };
}

/* ---- the relations ---- */

/* Several calls in one commit say what they say in commits of their own, seen from after the last. */
Test(relations, calls_of_one_commit_are_as_calls_of_several)
{
	for (uint64_t round = 0; round < ROUNDS * N_KINDS; round++) {
		enum kind kind = (enum kind)(round % N_KINDS);
		struct rng rng = { round };
		struct op ops[OPS_MAX];
		size_t n = 2 + rng_below(&rng, OPS_MAX - 2),
		       base = rng_below(&rng, (uint32_t)n - 1);
		struct world one, many;
		static char a[TEXT_MAX], b[TEXT_MAX];
		teg_scan_options options = plain();

		for (size_t i = 0; i < n; i++)
			ops[i] = draw(&rng, ERASURES);
		world_init(&one);
		world_init(&many);
		create(&one, kind);
		create(&many, kind);
		for (size_t i = 0; i < n; i++)
			commit(&many, &ops[i], 1, 100 + (int64_t)i);
		if (base)
			commit(&one, ops, base, 50);
		commit(&one, ops + base, n - base, 100);
		for (int merged = 0; merged < 2; merged++) {
			cr_assert_str_eq(sorted(show(one.store, "a", &options), a),
			                 sorted(show(many.store, "a", &options), b), "round %d",
			                 (int)round);
			OK(teg_compact(one.store, NULL, NULL, err));
			OK(teg_compact(many.store, NULL, NULL, err));
		}
		world_release(&one);
		world_release(&many);
	}
}

/* What every key answers at every V, at a few S. */
static const char *outcomes(struct world *w, char *out)
{
	teg_read_options options = { .struct_size = sizeof options,
		                     .mode = TEG_SCAN_AS_OF,
		                     .has_valid_at = true };
	teg_snapshot *snapshot;
	teg_array *array;
	size_t n = 0;

	OK(teg_snapshot_open(w->store, &snapshot, err));
	OK(teg_array_open(snapshot, "a", &array, err));
	for (options.system_time = 50; options.system_time <= 300; options.system_time += 50)
		for (options.valid_at = -1; options.valid_at < BOUND + 3; options.valid_at++)
			for (int64_t x = 0; x < CELLS; x++) {
				teg_value key = { .type = TEG_INT32, .as.i = x };
				struct ArrowSchema schema;
				struct ArrowArray batch;
				teg_outcome outcome;

				OK(teg_get(array, &key, 1, &options, &outcome, &schema, &batch,
				           err));
				out[n++] = (char)('0' + outcome);
				if (outcome != TEG_OUTCOME_LIVE)
					continue;
				batch.release(&batch);
				schema.release(&schema);
			}
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	out[n] = 0;
	return out;
}

/* A commit that another one overtakes says what it says when it begins after that one, predicates too,
 * and in the order of its calls. */
Test(relations, a_commit_that_is_overtaken_is_as_one_that_comes_after)
{
	for (uint64_t round = 0; round < ROUNDS * N_KINDS; round++) {
		enum kind kind = (enum kind)(round % N_KINDS);
		struct rng rng = { round };
		teg_txn_options second = { .struct_size = sizeof second, .system_time = 300 };
		static char a[TEXT_MAX], b[TEXT_MAX];
		teg_scan_options options = plain();
		struct op ops[12];
		struct world raced, serial;
		teg_txn *txn;

		for (size_t i = 0; i < 12; i++)
			ops[i] = draw(&rng, ALL_CALLS);
		world_init(&raced);
		world_init(&serial);
		create(&raced, kind);
		create(&serial, kind);
		commit(&raced, ops, 3, 100);
		commit(&serial, ops, 3, 100);
		OK(teg_txn_begin(raced.store, &second, &txn, err));
		for (size_t i = 6; i < 12; i++)
			call(txn, &ops[i]);
		commit(&raced, ops + 3, 3, 200);
		OK(teg_txn_commit(txn, NULL, err));
		commit(&serial, ops + 3, 3, 200);
		commit(&serial, ops + 6, 6, 300);
		cr_assert_str_eq(sorted(show(raced.store, "a", &options), a),
		                 sorted(show(serial.store, "a", &options), b), "round %d",
		                 (int)round);
		cr_assert_str_eq(outcomes(&raced, a), outcomes(&serial, b), "round %d", (int)round);
		world_release(&raced);
		world_release(&serial);
	}
}

struct past {
	struct world world;
	size_t n;
	teg_snapshot *snapshots[OPS_MAX];
};

/* Commits at 100, 101 .. */
static void make_past(struct past *p, uint64_t seed, enum calls calls)
{
	struct rng rng = { seed };

	world_init(&p->world);
	create(&p->world, (enum kind)(seed % N_KINDS));
	p->n = 3 + rng_below(&rng, OPS_MAX - 3);
	for (size_t i = 0; i < p->n; i++) {
		struct op ops[] = { draw(&rng, calls), draw(&rng, calls) };

		commit(&p->world, ops, 1 + rng_below(&rng, 2), 100 + (int64_t)i);
		if (rng_below(&rng, 6) == 0)
			OK(teg_compact(p->world.store, NULL, NULL, err));
		OK(teg_snapshot_open(p->world.store, &p->snapshots[i], err));
	}
}

static void free_past(struct past *p)
{
	for (size_t i = 0; i < p->n; i++)
		teg_snapshot_close(p->snapshots[i]);
	world_release(&p->world);
}

/* As of S in a later snapshot is what was current in that of S, where nothing was erased; as of a version
 * too. */
Test(relations, the_past_is_what_was_once_current)
{
	for (uint64_t seed = 0; seed < ROUNDS * N_KINDS; seed++) {
		struct past p;

		make_past(&p, seed, NO_ERASURES);
		for (size_t i = 0; i < p.n; i++) {
			static char a[TEXT_MAX], b[TEXT_MAX];
			teg_scan_options options = plain();
			const char *then = sorted(show_at(p.snapshots[i], "a", &options), a);

			options.mode = TEG_SCAN_AS_OF;
			options.system_time = 100 + (int64_t)i;
			cr_assert_str_eq(sorted(show(p.world.store, "a", &options), b), then);
			options.mode = TEG_SCAN_AS_OF_VERSION;
			options.version = teg_snapshot_version(p.snapshots[i]);
			cr_assert_str_eq(sorted(show(p.world.store, "a", &options), b), then);
		}
		free_past(&p);
	}
}

static size_t n_rows(teg_store *store, const teg_scan_options *options)
{
	const char *rows = show(store, "a", options);
	size_t n = *rows != 0;

	for (; *rows; rows++)
		n += *rows == '|';
	return n;
}

/* How many rows there are does not depend on the columns that are asked for. */
Test(relations, rows_are_as_many_whatever_columns)
{
	static const char *const x[] = { "x" }, *const until[] = { "system_until" };
	static const teg_scan_mode modes[] = { TEG_SCAN_CURRENT, TEG_SCAN_AS_OF,
		                               TEG_SCAN_ALL_VERSIONS, TEG_SCAN_SYSTEM_RANGE,
		                               TEG_SCAN_CHANGES };

	for (uint64_t seed = 0; seed < ROUNDS * N_KINDS; seed++) {
		struct past p;

		make_past(&p, seed, ALL_CALLS);
		for (size_t i = 0; i < 5 * 3; i++) {
			teg_scan_options options = { .struct_size = sizeof options,
				                     .mode = modes[i % 5],
				                     .system_time = 100 + (int64_t)p.n / 3,
				                     .system_end = 99 + (int64_t)p.n,
				                     .valid_mode = (teg_valid_mode)(i / 5),
				                     .valid_at = 4,
				                     .valid_end = 9 };
			size_t n;

			if (options.mode < TEG_SCAN_SYSTEM_RANGE)
				options.system_end = 0;
			if (options.valid_mode != TEG_VALID_RANGE)
				options.valid_end = 0;
			n = n_rows(p.world.store, &options);
			options.columns = x;
			options.n_columns = 1;
			cr_assert_eq(n_rows(p.world.store, &options), n);
			options.columns = until;
			cr_assert_eq(n_rows(p.world.store, &options), n);
			options.times = true;
			cr_assert_eq(n_rows(p.world.store, &options), n);
		}
		free_past(&p);
	}
}

/* ---- a range of valid time in two parts ---- */

struct piece {
	long long x, value, system_from, from, until;
};

static long long number(const char *word, long long open)
{
	return strcmp(word, "-") == 0 ? open : atoll(word);
}

static size_t pieces(teg_store *store, int64_t a, int64_t b, struct piece *out)
{
	static const char *const columns[] = { "x", "value", "system_from", "valid_from",
		                               "valid_until" };
	teg_scan_options options = { .struct_size = sizeof options,
		                     .columns = columns,
		                     .n_columns = 5,
		                     .valid_mode = TEG_VALID_RANGE,
		                     .valid_at = a,
		                     .valid_end = b };
	char *copy = strdup(show(store, "a", &options));
	size_t n = 0;

	for (char *row = strtok(copy, "|"); row; row = strtok(NULL, "|")) {
		char from[32], until[32];

		cr_assert_eq(sscanf(row, "%lld %lld %lld %31s %31s", &out[n].x, &out[n].value,
		                    &out[n].system_from, from, until),
		             5);
		out[n].from = number(from, INT64_MIN);
		out[n].until = number(until, INT64_MAX);
		n++;
	}
	free(copy);
	return n;
}

static int by_piece(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct piece)); /* any total order will do */
}

/* Pieces of one row that meet at the cut are one. */
static size_t join(struct piece *at, size_t n, int64_t cut)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; at[i].until == cut && k < n; k++)
			if (at[k].from == cut && at[k].x == at[i].x &&
			    at[k].system_from == at[i].system_from && at[k].value == at[i].value) {
				at[i].until = at[k].until;
				at[k] = at[--n];
				k = n;
			}
	return n;
}

/* Of unique cells; of events two may be alike. */
Test(relations, a_range_of_valid_time_may_be_asked_in_two_parts)
{
	for (uint64_t seed = 0; seed < ROUNDS * N_KINDS; seed++) {
		struct past p;

		if (seed % N_KINDS == REPEATED)
			continue;
		make_past(&p, seed, ALL_CALLS);
		for (int64_t a = INT64_MIN, cut = 0; cut < BOUND + 3; cut++) {
			static struct piece whole[512], parts[512];
			int64_t b = cut % 2 ? INT64_MAX : cut + 3;
			size_t n = pieces(p.world.store, a, b, whole);
			size_t n_parts = pieces(p.world.store, a, cut, parts);

			n_parts += pieces(p.world.store, cut, b, parts + n_parts);
			n_parts = join(parts, n_parts, cut);
			qsort(whole, n, sizeof *whole, by_piece);
			qsort(parts, n_parts, sizeof *parts, by_piece);
			cr_assert_eq(n, n_parts, "seed %d cut %d", (int)seed, (int)cut);
			cr_assert_arr_eq(whole, parts, n * sizeof *whole);
		}
		free_past(&p);
	}
}

/* What a later call of its commit covers whole is not stored, and a merge of what is merged does nothing. */
Test(relations, what_is_covered_at_once_leaves_nothing)
{
	teg_scan_options all = { .struct_size = sizeof all, .mode = TEG_SCAN_ALL_VERSIONS };

	for (uint64_t seed = 0; seed < ROUNDS; seed++) {
		struct rng rng = { seed };
		struct op before = draw(&rng, NO_ERASURES);
		struct op ops[] = { { .what = PUT, .from = 2, .until = 5, .value = 99 },
			            { .what = PUT, .from = 1, .until = 5, .value = 7 } };
		struct world with, without;
		teg_compact_result result = { .struct_size = sizeof result };

		before.x = ops[0].x = ops[1].x = (int32_t)rng_below(&rng, CELLS);
		world_init(&with);
		world_init(&without);
		create(&with, UNIQUE);
		create(&without, UNIQUE);
		commit(&with, &before, 1, 100);
		commit(&without, &before, 1, 100);
		commit(&with, ops, 2, 200);
		commit(&without, ops + 1, 1, 200);
		for (int merged = 0; merged < 2; merged++) {
			cr_assert_str_eq(show(with.store, "a", &all),
			                 show(without.store, "a", &all));
			OK(teg_compact(with.store, NULL, NULL, err));
		}
		OK(teg_compact(with.store, NULL, &result, err));
		cr_assert_eq(result.segments_in, 0);
		world_release(&with);
		world_release(&without);
	}
}

/* A merge changes no answer, no piece and, in a list of all versions, no place. */
Test(relations, a_merge_changes_no_list)
{
	for (uint64_t seed = 250; seed < 250 + ROUNDS * N_KINDS; seed++) {
		teg_scan_options all = { .struct_size = sizeof all,
			                 .mode = TEG_SCAN_ALL_VERSIONS,
			                 .kinds = 7 | TEG_KIND_BOX };
		struct rng rng = { seed };
		struct op ops[12];
		struct world w;
		char *before;

		world_init(&w);
		create(&w, (enum kind)(seed % N_KINDS));
		for (size_t i = 0; i < 12; i++) {
			ops[i] = draw(&rng, ERASURES);
			if (seed % 2) { /* many that begin together */
				ops[i].x = 1;
				ops[i].from = (int64_t)rng_below(&rng, 2);
				ops[i].until = 2 + (int64_t)rng_below(&rng, 5);
			}
		}
		commit(&w, ops, 5, 100);
		commit(&w, ops + 5, 4, 200);
		commit(&w, ops + 9, 3, 300);
		before = strdup(show(w.store, "a", &all));
		OK(teg_compact(w.store, NULL, NULL, err));
		cr_assert_str_eq(show(w.store, "a", &all), before, "seed %d", (int)seed);
		free(before);
		world_release(&w);
	}
}
