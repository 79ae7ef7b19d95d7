/* Buckets of ticks: the extent of a dimension cuts its axis into tiles, floor by extent, and what is
 * no tick or no size is refused before anything is written. */
#include <string.h>
#include "engine/tegula_unstable.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

/* Ticks from -1000 up, in buckets of `extent`. */
static teg_status create(teg_txn *txn, teg_kind kind, uint64_t extent, teg_error *err)
{
	teg_dimension tick = axis_within("tick", -1000, 1000);
	teg_attribute v = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(kind, &tick, 1, &v, 1);

	tick.extent = extent;
	return teg_txn_create(txn, "ticks", &spec, err);
}

static teg_status put(teg_txn *txn, const int64_t *ticks, size_t n, const uint8_t *validity,
                      teg_error *err)
{
	teg_column columns[] = { { .name = "tick", .values = ticks, .validity = validity },
		                 { .name = "v", .values = ticks } };

	return teg_txn_put(txn, "ticks", columns, 2, n, NULL, err);
}

struct buckets {
	size_t n;
	int64_t first[16], last[16];
};

static bool note(void *ctx, const teg_tile_info *tile)
{
	struct buckets *b = ctx;

	b->first[b->n] = tile->box[0].lo.as.i;
	b->last[b->n++] = tile->box[0].hi.as.i;
	return true;
}

static struct buckets buckets_of(struct world *w)
{
	struct buckets b = { 0 };
	struct reading at;

	reading_open(&at, w->store, "ticks");
	OK(teg_walk_tiles(at.array, note, &b, err));
	reading_close(&at);
	return b;
}

Test(buckets, ticks_fall_into_buckets_by_floor) /* B1 NB3 */
{
	/* With the domain's lower bound at -1000 buckets of 100 begin at multiples of 100. */
	const int64_t ticks[] = { 200, 99, -1, 0, 199, 100, -100, -101 };
	const int64_t want[][2] = {
		{ -101, -101 }, { -100, -1 }, { 0, 99 }, { 100, 199 }, { 200, 200 }
	};
	struct buckets got;
	struct world w;
	teg_txn *txn;

	world_make(&w, (teg_store_options){ 0 });
	txn = txn_begin(w.store);
	OK(create(txn, TEG_DENSE, 100, err));
	OK(put(txn, ticks, sizeof ticks / sizeof *ticks, NULL, err));
	txn_commit(txn);
	got = buckets_of(&w);
	cr_assert_eq(got.n, sizeof want / sizeof *want);
	for (size_t i = 0; i < got.n; i++) {
		cr_assert_eq(got.first[i], want[i][0], "bucket %zu from %lld", i,
		             (long long)got.first[i]);
		cr_assert_eq(got.last[i], want[i][1], "bucket %zu to %lld", i,
		             (long long)got.last[i]);
	}
	world_release(&w);
}

static const struct {
	const char *why;
	int64_t ticks[2];
	uint8_t validity;
	teg_status status;
	int64_t row;
} refused[] = {
	{ "a null tick", { 5, 6 }, 1, TEG_DOMAIN, 1 },
	{ "below the domain", { 5, -1001 }, 3, TEG_DOMAIN, 1 },
	{ "above the domain", { 1001, 5 }, 3, TEG_DOMAIN, 0 },
};

Test(buckets, what_is_no_tick_is_refused_and_nothing_is_written) /* B1 */
{
	uint64_t changes;
	struct world w;
	teg_txn *txn;

	world_make(&w, (teg_store_options){ 0 });
	txn = txn_begin(w.store);
	OK(create(txn, TEG_DENSE, 100, err));
	changes = w.os->n_writes;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		teg_error said = { 0 };
		teg_status status = put(txn, refused[i].ticks, 2, &refused[i].validity, &said);

		cr_assert_eq(status, refused[i].status, "%s: %s", refused[i].why, said.message);
		cr_assert_str_eq(said.column, "tick", "%s", refused[i].why);
		cr_assert_eq(said.row, refused[i].row, "%s", refused[i].why);
	}
	cr_assert_eq(w.os->n_writes, changes);
	teg_txn_abort(txn);
	world_release(&w);
}
