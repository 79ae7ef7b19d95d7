#include "tests/support/line.h"

static teg_column x_column(const int32_t *x)
{
	return (teg_column){ .name = "x", .values = x };
}

static teg_txn *begin(struct line *c, int64_t at)
{
	teg_txn_options options = { .struct_size = sizeof options, .system_time = at };
	teg_txn *txn;

	OK(teg_txn_begin(c->world.store, &options, &txn, err));
	return txn;
}

static void commit(teg_txn *txn)
{
	OK(teg_txn_commit(txn, NULL, err));
}

void line_init(struct line *c, bool valid_time)
{
	teg_dimension x = { .name = "x", .type = { .type = TEG_INT32 } };
	teg_attribute value = { .name = "value", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .dimensions = &x,
		          .n_dimensions = 1,
		          .attributes = &value,
		          .n_attributes = 1,
		          .valid_time = valid_time };
	teg_txn *txn;

	world_init(&c->world);
	c->valid_time = valid_time;
	OK(teg_txn_begin(c->world.store, NULL, &txn, err));
	OK(teg_txn_create(txn, "cells", &spec, err));
	commit(txn);
}

void line_release(struct line *c)
{
	world_release(&c->world);
}

static teg_put_options interval(int64_t from, int64_t until)
{
	teg_put_options options = { .struct_size = sizeof options };

	if (from == INT64_MIN && until == INT64_MAX)
		return options;
	options.valid_from = from;
	options.valid_until = until;
	return options;
}

void line_put(struct line *c, int32_t x, int64_t value, int64_t from, int64_t until, int64_t at)
{
	teg_column columns[] = { x_column(&x), { .name = "value", .values = &value } };
	teg_put_options options = interval(from, until);
	teg_txn *txn = begin(c, at);

	OK(teg_txn_put(txn, "cells", columns, 2, 1, &options, err));
	commit(txn);
}

void line_delete(struct line *c, int32_t x, int64_t from, int64_t until, int64_t at)
{
	teg_column column = x_column(&x);
	teg_put_options options = interval(from, until);
	teg_txn *txn = begin(c, at);

	OK(teg_txn_delete(txn, "cells", &column, 1, 1, &options, err));
	commit(txn);
}

static teg_range range_of(int32_t lo, int32_t hi)
{
	return (teg_range){ { .type = TEG_INT32, .as.i = lo }, { .type = TEG_INT32, .as.i = hi } };
}

void line_delete_box(struct line *c, int32_t lo, int32_t hi, int64_t at)
{
	teg_range box = range_of(lo, hi);
	teg_txn *txn = begin(c, at);

	OK(teg_txn_delete_box(txn, "cells", &box, NULL, err));
	commit(txn);
}

static void erase(struct line *c, const teg_erase *what, int64_t at)
{
	teg_txn *txn = begin(c, at);

	OK(teg_txn_erase(txn, "cells", what, err));
	commit(txn);
}

void line_erase(struct line *c, int32_t x, bool forget, int64_t at)
{
	teg_column column = x_column(&x);

	erase(c,
	      &(teg_erase){ .struct_size = sizeof(teg_erase),
	                    .columns = &column,
	                    .n_columns = 1,
	                    .n_rows = 1,
	                    .forget = forget },
	      at);
}

void line_erase_box(struct line *c, int32_t lo, int32_t hi, bool forget, int64_t at)
{
	teg_range box = range_of(lo, hi);

	erase(c, &(teg_erase){ .struct_size = sizeof(teg_erase), .box = &box, .forget = forget },
	      at);
}

void line_erase_above(struct line *c, int64_t value, int64_t at)
{
	teg_value above = { .type = TEG_INT64, .as.i = value };
	teg_predicate *where;

	OK(teg_predicate_compare("value", TEG_GT, &above, NULL, &where, err));
	erase(c, &(teg_erase){ .struct_size = sizeof(teg_erase), .predicate = where }, at);
	teg_predicate_free(where);
}

void line_retain(struct line *c, bool drops, int64_t duration_us, int64_t floor_us)
{
	teg_alter change = { .kind = TEG_ALTER_RETAIN,
		             .retention = { drops, duration_us, floor_us } };
	teg_txn *txn;

	OK(teg_txn_begin(c->world.store, NULL, &txn, err));
	OK(teg_txn_alter(txn, "cells", &change, 1, err));
	commit(txn);
}

teg_compact_result line_compact(struct line *c)
{
	teg_compact_result result = { .struct_size = sizeof result };

	OK(teg_compact(c->world.store, NULL, &result, err));
	return result;
}

void line_compact_by_policy(struct line *c)
{
	teg_compact_options options = { .struct_size = sizeof options, .by_policy = true };

	OK(teg_compact(c->world.store, &options, NULL, err));
}

static teg_snapshot *open_array(struct line *c, teg_array **array_out)
{
	teg_snapshot *snapshot;

	OK(teg_snapshot_open(c->world.store, &snapshot, err));
	OK(teg_array_open(snapshot, "cells", array_out, err));
	return snapshot;
}

static void close_array(teg_snapshot *snapshot, teg_array *array)
{
	teg_array_close(array);
	teg_snapshot_close(snapshot);
}

static int64_t answer(teg_outcome outcome, struct ArrowArray *batch)
{
	switch (outcome) {
	case TEG_OUTCOME_LIVE: return ((const int64_t *)batch->children[1]->buffers[1])[0];
	case TEG_OUTCOME_DELETED: return LINE_DELETED;
	case TEG_OUTCOME_ERASED: return LINE_ERASED;
	case TEG_OUTCOME_BEYOND_HORIZON: return LINE_BEYOND;
	default: return LINE_NOT_FOUND;
	}
}

int64_t line_get(struct line *c, int32_t x, int64_t v, int64_t s)
{
	teg_value key = { .type = TEG_INT32, .as.i = x };
	teg_read_options options = { .struct_size = sizeof options,
		                     .has_valid_at = c->valid_time,
		                     .valid_at = v };
	struct ArrowSchema schema = { 0 };
	struct ArrowArray batch = { 0 };
	teg_snapshot *snapshot;
	teg_array *array;
	teg_outcome outcome;
	int64_t got;

	if (s != LINE_NOW) {
		options.mode = TEG_SCAN_AS_OF;
		options.system_time = s;
	}
	snapshot = open_array(c, &array);
	OK(teg_get(array, &key, 1, &options, &outcome, &schema, &batch, err));
	got = answer(outcome, &batch);
	if (batch.release)
		batch.release(&batch);
	if (schema.release)
		schema.release(&schema);
	close_array(snapshot, array);
	return got;
}

uint64_t line_count(struct line *c, teg_scan_mode mode, teg_scan_stats *stats_out)
{
	teg_scan_options options = { .struct_size = sizeof options, .mode = mode };
	struct ArrowArray batch;
	teg_snapshot *snapshot;
	teg_array *array;
	teg_status status;
	teg_scan *scan;
	teg_error error;
	uint64_t n = 0;

	snapshot = open_array(c, &array);
	OK(teg_scan_open(array, &options, &scan, err));
	while ((status = teg_scan_next(scan, &batch, &error)) == TEG_OK) {
		n += (uint64_t)batch.length;
		batch.release(&batch);
	}
	cr_assert_eq(status, TEG_END, "%s", error.message);
	if (stats_out)
		teg_scan_get_stats(scan, stats_out);
	teg_scan_close(scan);
	close_array(snapshot, array);
	return n;
}

teg_array_info line_info(struct line *c)
{
	teg_array_info info = { .struct_size = sizeof info };
	teg_snapshot *snapshot;
	teg_array *array;

	snapshot = open_array(c, &array);
	OK(teg_array_get_info(array, &info, err));
	close_array(snapshot, array);
	return info;
}
