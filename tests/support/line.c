#include "tests/support/line.h"
#include "tests/support/spec.h"

static teg_column x_column(const int32_t *x)
{
	return (teg_column){ .name = "x", .values = x };
}

void line_init(struct line *c, bool valid_time)
{
	teg_dimension x = axis_of("x", TEG_INT32);
	teg_attribute value = attribute_of("value", TEG_INT64);
	teg_spec spec = spec_make(TEG_SPARSE, &x, 1, &value, 1);

	world_init(&c->world);
	c->valid_time = spec.valid_time = valid_time;
	txn_create(c->world.store, "cells", &spec);
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
	teg_txn *txn = txn_begin_at(c->world.store, at);

	OK(teg_txn_put(txn, "cells", columns, 2, 1, &options, err));
	txn_commit(txn);
}

void line_delete(struct line *c, int32_t x, int64_t from, int64_t until, int64_t at)
{
	teg_column column = x_column(&x);
	teg_put_options options = interval(from, until);
	teg_txn *txn = txn_begin_at(c->world.store, at);

	OK(teg_txn_delete(txn, "cells", &column, 1, 1, &options, err));
	txn_commit(txn);
}

static teg_range range_of(int32_t lo, int32_t hi)
{
	return (teg_range){ { .type = TEG_INT32, .as.i = lo }, { .type = TEG_INT32, .as.i = hi } };
}

void line_delete_box(struct line *c, int32_t lo, int32_t hi, int64_t at)
{
	teg_range box = range_of(lo, hi);
	teg_txn *txn = txn_begin_at(c->world.store, at);

	OK(teg_txn_delete_box(txn, "cells", &box, NULL, err));
	txn_commit(txn);
}

static void erase(struct line *c, const teg_erase *what, int64_t at)
{
	teg_txn *txn = txn_begin_at(c->world.store, at);

	OK(teg_txn_erase(txn, "cells", what, err));
	txn_commit(txn);
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
	teg_value above = int_value(value);
	teg_predicate *where;

	OK(teg_predicate_compare("value", TEG_GT, &above, NULL, &where, err));
	erase(c, &(teg_erase){ .struct_size = sizeof(teg_erase), .predicate = where }, at);
	teg_predicate_free(where);
}

void line_retain(struct line *c, bool drops, int64_t duration_us, int64_t floor_us)
{
	teg_alter change = { .kind = TEG_ALTER_RETAIN,
		             .retention = { drops, duration_us, floor_us } };
	teg_txn *txn = txn_begin(c->world.store);

	OK(teg_txn_alter(txn, "cells", &change, 1, err));
	txn_commit(txn);
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
	struct reading r;
	teg_outcome outcome;
	int64_t got;

	if (s != LINE_NOW) {
		options.mode = TEG_SCAN_AS_OF;
		options.system_time = s;
	}
	reading_open(&r, c->world.store, "cells");
	OK(teg_get(r.array, &key, 1, &options, &outcome, &schema, &batch, err));
	got = answer(outcome, &batch);
	if (batch.release)
		batch.release(&batch);
	if (schema.release)
		schema.release(&schema);
	reading_close(&r);
	return got;
}

uint64_t line_count(struct line *c, teg_scan_mode mode, teg_scan_stats *stats_out)
{
	teg_scan_options options = { .struct_size = sizeof options, .mode = mode };
	struct ArrowArray batch;
	struct reading r;
	teg_scan *scan;
	uint64_t n = 0;

	reading_open(&r, c->world.store, "cells");
	scan = reading_scan(&r, &options);
	while (batch_next(scan, &batch)) {
		n += (uint64_t)batch.length;
		batch.release(&batch);
	}
	if (stats_out)
		teg_scan_get_stats(scan, stats_out);
	teg_scan_close(scan);
	reading_close(&r);
	return n;
}

teg_array_info line_info(struct line *c)
{
	teg_array_info info = { .struct_size = sizeof info };
	struct reading r;

	reading_open(&r, c->world.store, "cells");
	OK(teg_array_get_info(r.array, &info, err));
	reading_close(&r);
	return info;
}
