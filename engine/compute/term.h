/* One operation on two columns, typed exactly: whole numbers and decimals in 128 bits, floats as
 * floats. Rows are pairs of indexes, one into each side; UINT32_MAX: that side has none.
 *
 *   left    [ 7 | . | 9 ]   rows 0 2 -
 *   right   [ 2 | 4 ]       rows 1 0 0     left + right   11, 11, null
 */
#ifndef TEG_ENGINE_COMPUTE_TERM_H
#define TEG_ENGINE_COMPUTE_TERM_H
#include "engine/arrow/export.h"

#define NO_ROW UINT32_MAX

struct term {
	teg_operator op;
	const struct field *left, *right;
	struct output output;               /* its name is the caller's to set */
	bool real;                          /* floats; else whole numbers */
	__int128 left_factor, right_factor; /* that bring decimals to one scale */
	__int128 least, most;               /* that the result can be */
};

/* TEG_MISUSE where the operator makes no sense for the types. `op`, `left` and `right` are set. */
teg_status term_init(struct term *term, teg_error *err);
/* Appends the results of n pairs to `out`. TEG_LIMIT: one overflows; row `first_row` + its index. */
teg_status term_run(const struct term *term, const struct column *left, const uint32_t *left_rows,
                    const struct column *right, const uint32_t *right_rows, uint32_t n,
                    uint64_t first_row, struct column_buf *out, teg_error *err);
/* "+", "-", "*" or "/". */
const char *term_sign(teg_operator op);
#endif
