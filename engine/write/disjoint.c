#include <string.h>
#include "codec/base/sort.h"
#include "engine/order/order.h"
#include "engine/time/spans.h"
#include "engine/write/rows.h"

/* One key's rows of one system time, taken latest call first: each keeps what later ones have left
 * of its interval, and then claims it. Claims are a sorted list of disjoint intervals.
 *
 *   calls      1 ───────────      3 is taken first, then 2, then 1: 1 is split and 2 trimmed
 *              2     ─────────
 *              3   ────
 *   stored     1─ 3─── 2──────
 */
struct interval {
	int64_t from, until;
	uint32_t row;
};

#define FEW 16 /* pieces that are sorted without memory for it */

struct run {
	struct rows *rows;
	struct spans claims;
	struct pieces pieces;  /* whose memory that is */
	struct interval *kept; /* what is left of every row so far */
	size_t n_kept, kept_cap;
	teg_error *err;
};

static teg_status no_memory(const struct run *run)
{
	return teg_fail(run->err, TEG_NOMEM, "no memory to make rows of one key disjoint");
}

static teg_status keep(struct run *run, struct interval piece)
{
	void *block = run->kept;

	if (!mem_grow(run->rows->alloc, &block, &run->kept_cap, run->n_kept + 1, sizeof *run->kept))
		return no_memory(run);
	run->kept = block;
	run->kept[run->n_kept++] = piece;
	return TEG_OK;
}

/* Keeps what no later call has claimed of the interval. */
static teg_status keep_free(struct run *run, struct interval whole)
{
	struct span_place at = spans_after(&run->claims, whole.from);
	const struct span_of_time *claim;
	int64_t from = whole.from;

	while ((claim = spans_next(&run->claims, &at)) && claim->from < whole.until) {
		if (claim->from > from)
			TEG_TRY(keep(run, (struct interval){ from, claim->from, whole.row }));
		from = claim->until;
	}
	if (from < whole.until)
		return keep(run, (struct interval){ from, whole.until, whole.row });
	return TEG_OK;
}

/* ---- one key, one system time ---- */

static teg_status refuse_mixture(const struct run *run, uint32_t row)
{
	teg_status status = teg_fail(run->err, TEG_MISUSE,
	                             "valid from the commit's time, and in the same commit another "
	                             "interval of the same cell");

	return error_at_row(run->err, status, row);
}

/* "From the commit's time" has no number yet, so it cannot be told from where another interval of
 * the key is to be cut. */
static teg_status check_mixture(const struct run *run, const uint32_t *at, uint32_t n)
{
	bool of_commit = false;

	for (uint32_t i = 0; i < n; i++)
		of_commit |= rows_valid_from(run->rows, at[i]) == TEG_TIME_OF_COMMIT;
	for (uint32_t i = 0; of_commit && i < n; i++) {
		int64_t from = rows_valid_from(run->rows, at[i]);
		bool whole = from == INT64_MIN && rows_valid_until(run->rows, at[i]) == INT64_MAX;

		if (from != TEG_TIME_OF_COMMIT && !whole)
			return refuse_mixture(run, at[i]);
	}
	return TEG_OK;
}

static teg_status take_row(struct run *run, uint32_t row, bool repeated)
{
	struct interval whole = { rows_valid_from(run->rows, row), rows_valid_until(run->rows, row),
		                  row };

	TEG_TRY(keep_free(run, whole));
	/* Events hide nothing, but a later delete of the same commit hides them. */
	if (repeated && rows_kind(run->rows, row) == ROW_LIVE)
		return TEG_OK;
	return spans_cover(&run->claims, whole.from, whole.until, true, 0) ? TEG_OK
	                                                                   : no_memory(run);
}

/* Writes back what is kept: the first piece of a row in its place, others in copies. */
static teg_status settle(struct run *run)
{
	for (size_t k = 0; k < run->n_kept; k++) {
		struct interval *piece = &run->kept[k];
		bool first = !k || run->kept[k - 1].row != piece->row;
		uint32_t row = piece->row;

		if (piece->until == TEG_TIME_OF_COMMIT)
			return refuse_mixture(run, row);
		if (!first)
			TEG_TRY(rows_repeat(run->rows, row, &row, run->err));
		TEG_TRY(rows_set_valid(run->rows, row, piece->from, piece->until, run->err));
		if (!first) /* the pieces of one row follow each other: keep the original's number */
			for (size_t n = k + 1; n < run->n_kept && run->kept[n].row == piece->row;
			     n++)
				run->kept[n].row = row;
		piece->row = row;
	}
	return TEG_OK;
}

static bool starts_later(const void *ctx, const void *a, const void *b)
{
	(void)ctx;
	return ((const struct interval *)a)->from > ((const struct interval *)b)->from;
}

/* By start; rows of a repeated array may start together and stay in call order. */
static teg_status sort_kept(struct run *run)
{
	size_t n = run->n_kept;
	struct interval few[FEW], *room = few;

	if (n > FEW && !(room = mem_array(run->rows->alloc, n, sizeof *room)))
		return no_memory(run);
	sort_stable(run->kept, room, n, sizeof *room, starts_later, NULL);
	if (room != few)
		mem_free(run->rows->alloc, room, n * sizeof *room);
	return TEG_OK;
}

static teg_status make_group(struct run *run, const uint32_t *at, uint32_t n, uint32_t *perm,
                             uint32_t *n_perm)
{
	bool repeated = run->rows->schema->cells == TEG_CELLS_REPEATED;
	uint32_t erasure = UINT32_MAX, i = n;

	run->claims = spans_in(&run->pieces);
	run->n_kept = 0;
	TEG_TRY(check_mixture(run, at, n));
	while (i-- > 0) {
		if (kind_erases(rows_kind(run->rows, at[i]))) {
			erasure = at[i];
			break;
		}
		TEG_TRY(take_row(run, at[i], repeated));
	}
	TEG_TRY(settle(run));
	for (size_t lo = 0, hi = run->n_kept; hi && lo < --hi; lo++) {
		struct interval swap = run->kept[lo]; /* back into call order */

		run->kept[lo] = run->kept[hi];
		run->kept[hi] = swap;
	}
	TEG_TRY(sort_kept(run));
	for (size_t k = 0; k < run->n_kept; k++)
		perm[(*n_perm)++] = run->kept[k].row;
	if (erasure != UINT32_MAX)
		perm[(*n_perm)++] = erasure;
	return TEG_OK;
}

/* ---- all keys ---- */

/* Newest system time first; of one time erasures, deletions, live rows: what a ledger tells of one
 * commit stands side by side, none of it takes anything from the rest. Calls in order. */
static bool comes_after(const struct rows *rows, uint32_t a, uint32_t b)
{
	int64_t x = rows_system_from(rows, a), y = rows_system_from(rows, b);

	return x != y ? x < y : rows_kind(rows, a) < rows_kind(rows, b);
}

static void merge_runs_of(const struct rows *rows, const uint32_t *from, uint32_t n, uint32_t run,
                          uint32_t *to)
{
	for (uint32_t at = 0, out = 0; at < n; at = out) {
		uint32_t mid = n - at > run ? at + run : n, end = n - mid > run ? mid + run : n;

		for (uint32_t i = at, k = mid; out < end; out++)
			to[out] = i < mid && (k == end || !comes_after(rows, from[i], from[k]))
			                  ? from[i++]
			                  : from[k++];
	}
}

static teg_status sort_by_system(const struct rows *rows, uint32_t *at, uint32_t n)
{
	uint32_t i = 1, *from = at, *to;

	while (rows->system_from.n && i < n && !comes_after(rows, at[i - 1], at[i]))
		i++;
	if (!rows->system_from.n || i >= n)
		return TEG_OK;
	to = mem_array(rows->alloc, n, sizeof *to);
	if (!to)
		return TEG_NOMEM;
	for (uint32_t run = 1; run<n; run = run> n / 2 ? n : 2 * run) {
		uint32_t *swap = from;

		merge_runs_of(rows, from, n, run, to);
		from = to;
		to = swap;
	}
	if (from != at)
		memcpy(at, from, n * sizeof *at);
	mem_free(rows->alloc, from == at ? to : from, n * sizeof *at);
	return TEG_OK;
}

/* What is older than an erasure goes: its bytes must not be written. */
static teg_status make_key(struct run *run, uint32_t *at, uint32_t n, uint32_t *perm,
                           uint32_t *n_perm)
{
	if (sort_by_system(run->rows, at, n) != TEG_OK)
		return no_memory(run);
	for (uint32_t from = 0, to; from < n; from = to) {
		int64_t time = rows_system_from(run->rows, at[from]);

		for (to = from + 1; to < n && rows_system_from(run->rows, at[to]) == time;)
			to++;
		if (to - from == 1)
			perm[(*n_perm)++] = at[from];
		else
			TEG_TRY(make_group(run, at + from, to - from, perm, n_perm));
		if (kind_erases(rows_kind(run->rows, perm[*n_perm - 1])))
			break;
	}
	return TEG_OK;
}

/* Rows that tie: one key after another, or, with texts, several keys in turn. */
static teg_status make_run(struct run *run, uint32_t *at, uint32_t n, uint32_t *perm,
                           uint32_t *n_perm)
{
	for (uint32_t from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && rows_same_key(run->rows, at[from], at[to]);)
			to++;
		if (to - from == 1)
			perm[(*n_perm)++] = at[from];
		else
			TEG_TRY(make_key(run, at + from, to - from, perm, n_perm));
	}
	return TEG_OK;
}

static teg_status make_all(struct run *run, const uint32_t *sorted, uint32_t n,
                           const struct order_ties *ties, uint32_t *perm, uint32_t *n_perm)
{
	uint32_t done = 0;

	for (size_t k = 0; k < ties->n;) {
		uint32_t from = ties->at[k] - 1, to = ties->at[k] + 1;
		uint32_t *at;
		teg_status status;

		for (k++; k < ties->n && ties->at[k] == to; k++)
			to++;
		memcpy(perm + *n_perm, sorted + done, (from - done) * sizeof *perm);
		*n_perm += from - done;
		done = to;
		at = mem_array(run->rows->alloc, to - from, sizeof *at);
		if (!at)
			return no_memory(run);
		memcpy(at, sorted + from, (to - from) * sizeof *at);
		status = make_run(run, at, to - from, perm, n_perm);
		mem_free(run->rows->alloc, at, (to - from) * sizeof *at);
		TEG_TRY(status);
	}
	memcpy(perm + *n_perm, sorted + done, (n - done) * sizeof *perm);
	*n_perm += n - done;
	return TEG_OK;
}

teg_status rows_make_disjoint(struct rows *rows, const uint32_t *sorted, uint32_t n,
                              const struct order_ties *ties, uint32_t *perm_out, uint32_t *n_out,
                              teg_error *err)
{
	struct run run = { .rows = rows, .err = err };
	teg_status status;

	*n_out = 0;
	pieces_init(&run.pieces, rows->alloc);
	status = make_all(&run, sorted, n, ties, perm_out, n_out);
	pieces_release(&run.pieces);
	mem_free(rows->alloc, run.kept, run.kept_cap * sizeof *run.kept);
	return status;
}
