/* One sparse array of a single dimension with times of its own choosing, for tests of time: what is put,
 * deleted, erased and asked for is one line each.
 *
 *   struct line c;
 *   line_init(&c, true);
 *   line_put(&c, 1, 7, 0, 10, 200);        x = 1 is 7 in [0, 10), said at 200
 *   line_expect_get(&c, 1, 5, 200, 7);         LIVE with value 7 at V 5, S 200
 */
#ifndef TEG_TESTS_SUPPORT_LINE_H
#define TEG_TESTS_SUPPORT_LINE_H
#include "tests/support/world.h"

#define LINE_OPEN_START INT64_MIN
#define LINE_OPEN_END INT64_MAX
#define LINE_NOW INT64_MIN /* as S: no system time given */

/* What a key answers: a value, or one of these. */
#define LINE_NOT_FOUND (-1)
#define LINE_DELETED (-2)
#define LINE_ERASED (-3)
#define LINE_BEYOND (-4)

struct line {
	struct world world;
	bool valid_time;
};
void line_init(struct line *c, bool valid_time);
void line_release(struct line *c);

void line_put(struct line *c, int32_t x, int64_t value, int64_t from, int64_t until, int64_t at);
void line_delete(struct line *c, int32_t x, int64_t from, int64_t until, int64_t at);
void line_delete_box(struct line *c, int32_t lo, int32_t hi, int64_t at);
void line_erase(struct line *c, int32_t x, bool forget, int64_t at);
void line_erase_box(struct line *c, int32_t lo, int32_t hi, bool forget, int64_t at);
void line_erase_above(struct line *c, int64_t value, int64_t at);
void line_retain(struct line *c, bool drops, int64_t duration_us, int64_t floor_us);
teg_compact_result line_compact(struct line *c);
/* Merges the newest segments only, as the policy would. */
void line_compact_by_policy(struct line *c);

/* The value, or what else is answered. */
int64_t line_get(struct line *c, int32_t x, int64_t v, int64_t s);
#define line_expect_get(c, x, v, s, want)                                                         \
	do {                                                                                      \
		int64_t got_ = line_get(c, x, v, s);                                              \
		cr_assert_eq(got_, want, "x %d V %lld S %lld: %lld, not %lld", (int)(x),          \
		             (long long)(v), (long long)(s), (long long)got_, (long long)(want)); \
	} while (0)
/* Rows of a scan of all versions, and of the current one; tiles that it read. */
uint64_t line_count(struct line *c, teg_scan_mode mode, teg_scan_stats *stats_out);
teg_array_info line_info(struct line *c);
#endif
