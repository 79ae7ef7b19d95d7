/* What an aggregate keeps per group while rows go by: counts, exact sums, compensated sums, extremes.
 *
 * A column is taken in blocks, widened to what its kind of sum or comparison works on; null slots are
 * skipped. Integers never pass through a double; the order of rows changes nothing but the last bits
 * of float sums.
 *
 *   kind     works on            sum                       min and max
 *   INT      int64               128 bits                  int64
 *   UINT     uint64              128 bits                  uint64
 *   FLOAT    double              two doubles (Neumaier)    total order: -0.0 < 0.0, NaN above all
 *   WIDE     128-bit integers    128 bits, checked         128 bits
 *   BYTES    spans               none                      byte order
 */
#ifndef TEG_ENGINE_COMPUTE_TALLY_H
#define TEG_ENGINE_COMPUTE_TALLY_H
#include "engine/arrow/export.h"

enum tally_kind { TALLY_NONE, TALLY_INT, TALLY_UINT, TALLY_FLOAT, TALLY_WIDE, TALLY_BYTES };

struct tally_text {
	uint8_t *at;
	size_t len, cap;
};

/* Of one group. */
struct tally_cell {
	uint64_t rows, valid; /* rows; those with a value */
	union {
		__int128 sum; /* INT, UINT, WIDE; extremes of WIDE */
		struct {
			double high, low;
		} real;       /* FLOAT */
		uint64_t key; /* extremes of INT, UINT, FLOAT, as ordered numbers */
		struct tally_text text;
	} as;
};

struct tally {
	teg_function function;
	const struct field *field; /* NULL: count() */
	enum tally_kind kind;
	struct output output;
	size_t n_groups, cap;
	struct tally_cell *cells;
	size_t text_len; /* bytes held by texts */
	const teg_allocator *alloc;
};

static inline bool tally_is_sum(const struct tally *t)
{
	return t->function == TEG_SUM || t->function == TEG_MEAN;
}

static inline bool tally_is_extreme(const struct tally *t)
{
	return t->function == TEG_MIN || t->function == TEG_MAX;
}

/* The error of a sum that its type cannot hold. */
teg_status tally_too_large(const struct tally *t, teg_error *err);

/* TEG_MISUSE where the function makes no sense for the column's type. `function` and `field` are set. */
teg_status tally_init(struct tally *tally, const teg_allocator *alloc, teg_error *err);
void tally_release(struct tally *tally);
/* Room for n groups, new ones empty. TEG_NOMEM. */
teg_status tally_grow(struct tally *tally, size_t n, teg_error *err);
size_t tally_size(const struct tally *tally);

/* Counts in the rows of `column` (NULL: `n` rows without one); group NULL: all of them to group 0. */
teg_status tally_add(struct tally *tally, const struct column *column, const uint32_t *group,
                     uint32_t n, teg_error *err);
/* Counts in rows that statistics tell of: `n` rows of which `n_valid` have values, between the lanes
 * lo and hi. Counts and extremes of INT and UINT; FLOAT where tally_lane_tells. */
void tally_add_known(struct tally *tally, uint64_t n, uint64_t n_valid, uint64_t lo, uint64_t hi);
/* Whether the lane alone gives the value of the column's type. */
bool tally_lane_tells(const struct tally *tally, uint64_t lane);

/* Appends the results of groups at[0 .. n) to `out`. TEG_LIMIT where a sum does not fit its type. */
teg_status tally_result(const struct tally *tally, const uint32_t *at, size_t n,
                        struct column_buf *out, teg_error *err);
#endif
