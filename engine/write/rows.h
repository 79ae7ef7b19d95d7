/* Rows on their way to tiles: one column per dimension, attribute and time, owned.
 *
 * The one form in which cells travel between a put and a tile, and between tiles and a merge. Order
 * is call order until sorted. Time columns that would be all default are left empty (n == 0) to
 * cost nothing: see rows_has().
 */
#ifndef TEG_ENGINE_WRITE_ROWS_H
#define TEG_ENGINE_WRITE_ROWS_H
#include "engine/schema/schema.h"
#include "engine/time/visibility.h"

struct rows {
	const struct schema *schema;
	uint32_t n;
	bool implicit_ids;        /* TABLE appends: no dimension column */
	struct column_buf *dims;  /* schema->n_dims */
	struct column_buf *attrs; /* schema->n_attrs; tombstone and erased rows are null slots */
	struct column_buf valid_from, valid_until; /* int64; empty: all of valid time */
	struct column_buf kind;                    /* uint8; empty: all live */
	struct column_buf system_from;             /* int64; empty: the commit's */
	struct column_buf superseded;              /* int64; empty: open or not derived */
	struct column_buf exact;                   /* uint8; empty: 1 */
	const teg_allocator *alloc;
};

teg_status rows_init(struct rows *rows, const struct schema *schema, const teg_allocator *alloc,
                     teg_error *err);
void rows_release(struct rows *rows);
void rows_clear(struct rows *rows);
size_t rows_size(const struct rows *rows); /* bytes of memory held */

/* Appends rows at[0 .. n) of `from`, which has the same schema. Optional columns that only one side
 * has are filled with their default. TEG_NOMEM, TEG_LIMIT: `rows` is as before. */
teg_status rows_gather(struct rows *rows, const struct rows *from, const uint32_t *at, uint32_t n,
                       teg_error *err);

/* The same for rows [first, first + n) of `from`. */
teg_status rows_append(struct rows *rows, const struct rows *from, uint32_t first, uint32_t n,
                       teg_error *err);
/* Drops the rows from n on. */
void rows_truncate(struct rows *rows, uint32_t n);
/* Appends a copy of row i. TEG_NOMEM, TEG_LIMIT: `rows` is as before. */
teg_status rows_repeat(struct rows *rows, uint32_t i, uint32_t *copy_out, teg_error *err);
/* Gives row i that valid interval. TEG_NOMEM. */
teg_status rows_set_valid(struct rows *rows, uint32_t i, int64_t from, int64_t until,
                          teg_error *err);
/* True where rows i and j are of one cell. -0.0 is 0.0. */
bool rows_same_key(const struct rows *rows, uint32_t i, uint32_t j);

static inline int64_t rows_valid_from(const struct rows *rows, uint32_t i)
{
	return rows->valid_from.n ? ((const int64_t *)(const void *)rows->valid_from.values)[i]
	                          : INT64_MIN;
}

static inline int64_t rows_valid_until(const struct rows *rows, uint32_t i)
{
	return rows->valid_until.n ? ((const int64_t *)(const void *)rows->valid_until.values)[i]
	                           : INT64_MAX;
}

static inline enum row_kind rows_kind(const struct rows *rows, uint32_t i)
{
	return rows->kind.n ? (enum row_kind)rows->kind.values[i] : ROW_LIVE;
}

static inline int64_t rows_system_from(const struct rows *rows, uint32_t i)
{
	return rows->system_from.n ? ((const int64_t *)(const void *)rows->system_from.values)[i]
	                           : 0;
}

/* Makes the rows of one commit disjoint in valid time (DESIGN 3.1): of two rows with one key and
 * system time the later in call order wins where they overlap; the earlier is trimmed, split or
 * dropped. `sorted`: n rows by position and key, equal keys in call order; `ties`: where neighbours
 * may be of one cell, all others are not looked at. perm_out (room for n + 2 * ties->n) gets the
 * *n_out rows that remain, each key's run in stored order (system_from descending, valid_from
 * ascending); pieces of split rows are appended to `rows`.
 *
 * Repeated arrays: live rows never claim, but later deletes trim them. An erasure drops all that was called
 * before it, whatever the array, and is itself never trimmed, for it covers all of valid time as a
 * mask; it is the last row of its key and system time, for readers stop at it. TEG_MISUSE names the
 * row where a start "from the commit's time" meets another interval of the key. TEG_NOMEM. */
struct order_ties;
teg_status rows_make_disjoint(struct rows *rows, const uint32_t *sorted, uint32_t n,
                              const struct order_ties *ties, uint32_t *perm_out, uint32_t *n_out,
                              teg_error *err);
#endif
