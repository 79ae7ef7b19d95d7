/* The same calls with the same times give the same segments, byte for byte, merged ones too, whatever ids a
 * store, a file or a commit is given; and many small commits take less room when they are merged. X15 NF3,
 * DESIGN 3.9 */
#include <stdio.h>
#include <string.h>
#include "engine/tegula_unstable.h"
#include "tests/support/rng.h"
#include "tests/support/world.h"

#define ROWS 6000 /* more than fits in a manifest */

static void create(struct world *w)
{
	teg_dimension x = { .name = "x", .type = { .type = TEG_INT32 } };
	teg_attribute value = { .name = "value", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .valid_time = true,
		          .dimensions = &x,
		          .n_dimensions = 1,
		          .attributes = &value,
		          .n_attributes = 1 };
	teg_txn *txn;

	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_create(txn, "a", &spec, err));
	OK(teg_txn_commit(txn, NULL, err));
}

static void commit(struct world *w, size_t n, int64_t at)
{
	static int32_t x[ROWS];
	static int64_t value[ROWS];
	struct rng rng = { (uint64_t)at };
	teg_txn_options options = { .struct_size = sizeof options, .system_time = at };
	teg_put_options interval = { .struct_size = sizeof interval };
	teg_column columns[] = { { .name = "x", .values = x },
		                 { .name = "value", .values = value } };
	teg_txn *txn;

	for (size_t i = 0; i < n; i++) {
		x[i] = (int32_t)rng_below(&rng, ROWS);
		value[i] = (int64_t)rng_below(&rng, 1000);
	}
	if (at % 200 == 0) {
		interval.valid_from = at;
		interval.valid_until = at + 50;
	}
	OK(teg_txn_begin(w->store, &options, &txn, err));
	OK(teg_txn_put(txn, "a", columns, 2, n, &interval, err));
	OK(teg_txn_delete(txn, "a", columns, 1, 9, NULL, err));
	OK(teg_txn_commit(txn, NULL, err));
}

struct list {
	char text[4096];
	size_t len;
	uint64_t bytes;
};

static bool add(void *ctx, const teg_segment_info *info)
{
	struct list *list = ctx;

	list->len += (size_t)sprintf(list->text + list->len, "%llu %016llx %llu %d|",
	                             (unsigned long long)info->length,
	                             (unsigned long long)info->checksum,
	                             (unsigned long long)info->n_rows, info->history);
	list->bytes += info->length;
	return list->len < sizeof list->text - 128;
}

static void list_segments(struct world *w, struct list *list)
{
	teg_snapshot *snapshot;
	teg_array *array;

	*list = (struct list){ 0 };
	OK(teg_snapshot_open(w->store, &snapshot, err));
	OK(teg_array_open(snapshot, "a", &array, err));
	OK(teg_walk_segments(array, add, list, err));
	teg_array_close(array);
	teg_snapshot_close(snapshot);
}

static void make(struct world *w, uint64_t seed)
{
	memory_init(&w->mem);
	w->os = os_memory_new(&w->mem.alloc, seed);
	memory_set_clock(w->os, 1000000 * (int64_t)seed);
	world_open(w, TEG_CREATE_NEW);
	create(w);
	for (int64_t at = 100; at <= 600; at += 100)
		commit(w, ROWS, at);
}

Test(same_bytes, come_of_the_same_calls)
{
	static struct list a, b, merged;
	struct world one, other;

	make(&one, 1);
	make(&other, 77);
	list_segments(&one, &a);
	list_segments(&other, &b);
	cr_assert_str_eq(a.text, b.text);
	OK(teg_compact(one.store, NULL, NULL, err));
	OK(teg_compact(other.store, NULL, NULL, err));
	list_segments(&one, &merged);
	list_segments(&other, &b);
	cr_assert_str_eq(merged.text, b.text, "merged");
	cr_assert(strstr(merged.text, " 1|"), "some of it is history");
	world_release(&one);
	world_release(&other);
}

Test(same_bytes, are_fewer_where_small_commits_are_merged)
{
	static struct list apart, merged;
	struct world w;

	world_init(&w);
	create(&w);
	for (int64_t at = 100; at <= 3000; at += 100)
		commit(&w, 20, at);
	list_segments(&w, &apart);
	OK(teg_compact(w.store, NULL, NULL, err));
	list_segments(&w, &merged);
	cr_assert_lt(2 * merged.bytes, apart.bytes, "%llu, of %llu",
	             (unsigned long long)merged.bytes, (unsigned long long)apart.bytes);
	world_release(&w);
}
