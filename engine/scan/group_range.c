#include "engine/scan/group.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to merge the keys of tiles");
}

/* ---- limits ---- */

/* What a row of a merge's range costs: its versions and what is derived of them too. */
#define MERGE_ROW_LEN 1024
/* Of a scan's: an output, or what sorting takes. */
#define RESOLVED_LEN 72
#define SCAN_SMALL_LEN (8u << 20)
#define SCAN_RANGE_LEN (5u << 19)
#define SCAN_FEW_LEN (5u << 20)

#define SCAN_KEYS_LEN (4u << 20)
#define SCAN_SORTED_LEN (2u << 20)
#define SMALL_TEXT_LEN 1024 /* texts of a row, as long as nobody has seen any */

static size_t key_len(const struct group *group)
{
	return 8 * group->range.order->n_dims + 16 + (group->range.valid_time ? 16 : 0) + 13 +
	       8 * group->range.order->n_words;
}

void group_limit(struct group *group, size_t memory)
{
	group->limits = (struct group_limits){ .small_len = memory / 2,
		                               .range_len = memory / 2,
		                               .few_len = memory / 8,

		                               .keys_len = memory / 8,
		                               .sorted_len = memory / 16,
		                               .row_len = MERGE_ROW_LEN,
		                               .key_len = key_len(group) };
}

void group_limit_scan(struct group *group)
{
	group->limits = (struct group_limits){ .small_len = SCAN_SMALL_LEN,
		                               .range_len = SCAN_RANGE_LEN,
		                               .few_len = SCAN_FEW_LEN,

		                               .keys_len = SCAN_KEYS_LEN,
		                               .sorted_len = SCAN_SORTED_LEN,
		                               .row_len = key_len(group) + RESOLVED_LEN,
		                               .key_len = key_len(group) };
}

void group_take_parts(struct group *group)
{
	group->takes_parts = true;
}

void group_unlimit(struct group *group)
{
	group->limits.small_len = SIZE_MAX;
}

static uint64_t rows_in(size_t len, size_t row_len)
{
	return len / row_len + 1;
}

uint64_t group_range_rows(const struct group *group)
{
	return rows_in(group->limits.range_len, group->limits.row_len + group->limits.text_len);
}

static bool is_small(const struct group *group, uint64_t n_rows)
{
	size_t texts = group->range.order->has_text ? SMALL_TEXT_LEN : 0;

	if (group->limits.small_len == SIZE_MAX)
		return true;
	return n_rows <= GROUP_ROWS_SMALL &&
	       n_rows <= rows_in(group->limits.small_len, group->limits.row_len + texts);
}

/* ---- life ---- */

teg_status group_begin(struct group *group, const uint32_t *at, uint32_t n, teg_error *err)
{
	uint64_t n_rows = 0;

	group->members = mem_zalloc(group->alloc, n * sizeof *group->members);
	group->tiles = mem_zalloc(group->alloc, n * sizeof(struct tile *));
	group->near = mem_array(group->alloc, group->plan->n_boxes, sizeof *group->near);
	group->hand = mem_array(group->alloc, n, sizeof *group->hand);
	group->n_members = n;
	group->next_member = group->n_hand = 0;
	group->done = group->tight = false;
	if (!group->members || !group->tiles || !group->hand || !group->near) {
		group_end(group);
		return no_memory(err);
	}
	for (uint32_t i = 0; i < n; i++) {
		group->members[i].plan = &group->plan->tiles[at[i]];
		group->tiles[i] = &group->members[i].tile;
		n_rows += group->members[i].plan->entry.n_rows;
	}
	group->small = is_small(group, n_rows) || group_is_one_key(group);
	group->point = group_is_point(group);
	return TEG_OK;
}

void group_end(struct group *group)
{
	for (uint32_t i = 0; group->members && i < group->n_members; i++)
		group_close_member(group, &group->members[i]);
	group_end_run(group);
	mem_free(group->alloc, group->hand, group->n_members * sizeof *group->hand);
	mem_free(group->alloc, group->members, group->n_members * sizeof *group->members);
	mem_free(group->alloc, group->tiles, group->n_members * sizeof(struct tile *));
	mem_free(group->alloc, group->near, group->plan->n_boxes * sizeof *group->near);
	group->near = NULL;
	group->members = NULL;
	group->tiles = NULL;
	group->hand = NULL;
	group->n_members = 0;
	group->done = true;
}

/* ---- ranges ---- */

static teg_status sort_range(struct group *group, bool by_position, teg_error *err)
{
	void *perm = group->perm;

	group->near_end = 0;
	if (!mem_grow(group->alloc, &perm, &group->perm_cap, group->range.n + 1u,
	              sizeof *group->perm))
		return no_memory(err);
	group->perm = perm;
	return key_rows_sort(&group->range, by_position, group->perm, err);
}

/* ---- the base ---- */

static bool may_have_base(const struct group *group)
{
	const struct schema *schema = group->plan->array->state.schema;

	return schema->kind != TEG_DENSE && !group->plan->array->order->has_text &&
	       group->view->kinds & TEG_KIND_LIVE && group_is_simple(group);
}

/* *end: of the range, which may move; NULL: the whole group. */
static teg_status choose_base(struct group *group, const uint64_t **end, teg_error *err)
{
	struct member *m = group_find_base(group, end);

	if (!m)
		return TEG_OK;
	TEG_TRY(group_open_member(group, m, err));
	if (tile_find_column(&m->tile.header, COLUMN_ID_SUPERSEDED))
		return TEG_OK;
	m->at_hand = false;
	return base_load(&group->base, &m->tile, (uint32_t)(m - group->members), group->view->box,
	                 group->reader, err);
}

static bool is_base(const struct group *group, const struct member *m)
{
	return group->base.tile == &m->tile;
}

/* ---- everything at once ---- */

/* Rows that may be in the box: 0 where it may as well be few of them, and no tile lies wholly in it. */
static size_t rows_in_box(const struct group *group)
{
	const struct box *box = group->view->box;
	bool some = false;
	size_t n = 0;

	for (uint32_t i = 0; i < group->n_members; i++) {
		const struct index_entry *entry = &group->members[i].plan->entry;

		some |= box_has_tile(box, entry, group->range.order->n_dims);
		n += entry->n_rows;
	}
	return some ? n : 0;
}

static teg_status take_everything(struct group *group, bool base, teg_error *err)
{
	if (group_is_one_key(group) && !key_rows_reserve(&group->range, rows_in_box(group)))
		return no_memory(err);
	if (base)
		TEG_TRY(choose_base(group, NULL, err));
	for (uint32_t i = 0; i < group->n_members; i++) {
		if (is_base(group, &group->members[i]))
			continue;
		TEG_TRY(group_open_member(group, &group->members[i], err));
		TEG_TRY(key_rows_load(&group->range, group->reader, &group->members[i].tile, i,
		                      group->view->box, err));
	}
	group->done = true;
	return group->range.n || group->base.tile ? TEG_OK : TEG_END;
}

/* ---- tiles at hand ---- */

void group_take_to_hand(struct group *group)
{
	group->members[group->next_member].at_hand = true;
	group->hand[group->n_hand++] = group->next_member++;
}

void group_close_finished(struct group *group)
{
	uint32_t n = 0;

	group->base.tile = NULL;
	for (uint32_t i = 0; i < group->n_hand; i++)
		if (group->members[group->hand[i]].at_hand)
			group->hand[n++] = group->hand[i];
		else
			group_close_member(group, &group->members[group->hand[i]]);
	group->n_hand = n;
}

/* The i-th tile at hand; NULL: the range has used it up, or it is the base. */
static struct member *at_hand(const struct group *group, uint32_t i)
{
	struct member *m = &group->members[group->hand[i]];

	return m->at_hand ? m : NULL;
}

/* Rows of each tile whose keys may be loaded: what tiles of fewer rows leave is the others'. */
static uint32_t window_rows(const struct group *group, size_t len)
{
	uint64_t rows = rows_in(len, group->limits.key_len + group->limits.text_len);
	uint64_t share = rows / (group->n_hand + 1u);

	for (int round = 0; round < 4; round++) {
		uint64_t left = rows;
		uint32_t n = 0;

		for (uint32_t i = 0; i < group->n_hand; i++) {
			const struct member *m = at_hand(group, i);
			uint64_t need = m ? m->plan->entry.n_rows - m->next : 0;

			n += need > share;
			left -= need > share ? 0 : need;
		}
		if (!n)
			return UINT32_MAX;
		share = left / n;
	}
	return share < GROUP_MARK_ROWS ? GROUP_MARK_ROWS : (uint32_t)share;
}

/* Where not all keys fit, or tiles themselves take much, less is kept, and nothing that can be had
 * again. */
static void share_keys(struct group *group)
{
	group->keys_len = group->limits.few_len;
	group->window_rows = window_rows(group, group->keys_len);
	group->tight = group->n_hand > GROUP_MANY || group->window_rows < UINT32_MAX;
	if (!group->tight)
		return;
	group->keys_len = group->limits.keys_len;
	group->window_rows = window_rows(group, group->keys_len);
}

void group_shed_member(struct group *group, struct member *m, size_t *kept)
{
	*kept += group_member_size(group, m);
	if (*kept > group->keys_len)
		group_forget_keys(group, m);
}

/* ---- where a range ends ---- */

/* Behind the rows at this position, or (cut) in front of them. */
struct range_end {
	const uint64_t *position; /* NULL: nothing is left */
	bool cut;
};

/* The smallest last cell of the tiles at hand, after all tiles that start before that have been taken
 * to hand. NULL: nothing is left. */
static const uint64_t *range_end(struct group *group)
{
	uint32_t n_words = group->range.order->n_words;
	const uint64_t *end = NULL;

	for (uint32_t i = 0; i < group->n_hand; i++) {
		const struct member *m = &group->members[group->hand[i]];

		if (!end || position_compare(m->plan->last, end, n_words) < 0)
			end = m->plan->last;
	}
	while (group->next_member < group->n_members) {
		const struct member *m = &group->members[group->next_member];

		if (end && position_compare(m->plan->first, end, n_words) > 0)
			break;
		group_take_to_hand(group);
		if (!end || position_compare(m->plan->last, end, n_words) < 0)
			end = m->plan->last;
	}
	return end;
}

/* Loads the keys of each tile at hand once, so that its marks are known; how many those are. */
static teg_status mark_members(struct group *group, uint32_t *n_out, teg_error *err)
{
	size_t kept = 0;

	*n_out = 0;
	for (uint32_t i = 0; i < group->n_hand; i++) {
		struct member *m = at_hand(group, i);

		if (!m)
			continue;
		if (!m->marks)
			TEG_TRY(group_load_member(group, m, err));
		group_shed_member(group, m, &kept);
		++*n_out;
	}
	return TEG_OK;
}

static uint64_t rows_before(const struct group *group, const uint64_t *position)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < group->n_hand; i++)
		if (at_hand(group, i))
			n += group_rows_before(group, at_hand(group, i), position);
	return n;
}

/* The end of the range where a member has given its share of rows, if that is sooner. */
static struct range_end cut_at(const struct group *group, struct range_end end, uint64_t share)
{
	uint32_t n_words = group->range.order->n_words;

	for (uint32_t i = 0; i < group->n_hand; i++) {
		const struct member *m = at_hand(group, i);
		uint64_t step = m ? m->mark_rows : 1;
		uint64_t mark = m ? (m->next + share) / step + 1 : 0;

		if (!m || mark * step >= m->n)
			continue;
		if (position_compare(m->marks + mark * n_words, end.position, n_words) <= 0)
			end = (struct range_end){ m->marks + mark * n_words, true };
	}
	return end;
}

/* The base takes its rows like the others. */
static void drop_base(struct group *group)
{
	group->members[group->base.number].at_hand = true;
	group->base.tile = NULL;
}

/* Ends the range sooner where it would have too many rows: where each member has given the same share,
 * as large a share as goes. Rows at the position itself stay together, in the next range. */
static teg_status cut_range(struct group *group, struct range_end *end, teg_error *err)
{
	uint64_t rows, share;
	struct range_end best, next;
	uint32_t n;

	TEG_TRY(mark_members(group, &n, err));
	rows = group_range_rows(group);
	if (rows_before(group, end->position) <= rows)
		return TEG_OK;
	if (group->base.tile) {
		drop_base(group);
		TEG_TRY(mark_members(group, &n, err));
	}
	group->tight = true;
	share = rows / n;
	best = cut_at(group, *end, share);
	for (share *= 2; share < rows && best.cut; share *= 2) {
		next = cut_at(group, *end, share);
		if (rows_before(group, next.position) > rows)
			break;
		best = next;
	}
	best.cut |= group->takes_parts; /* what lies at the end may be a run */
	*end = best;
	return TEG_OK;
}

/* Are the rows at the end of a cut range, before which nothing is left, more than a range? */
static bool is_run(const struct group *group, const struct range_end *end)
{
	return end->cut && group->takes_parts &&
	       rows_before(group, end->position) > group_range_rows(group);
}

/* ---- taking rows ---- */

static teg_status take_loaded(struct group *group, struct member *m, const struct range_end *end,
                              teg_error *err)
{
	uint32_t until;

	TEG_TRY(group_load_member(group, m, err));
	until = group_find_row(group, m, end->position, end->cut);
	TEG_TRY(key_rows_append(&group->range, &m->keys, m->perm + (m->next - m->first),
	                        until - m->next, err));
	m->next = until;
	return TEG_OK;
}

static teg_status take_until(struct group *group, struct member *m, const struct range_end *end,
                             teg_error *err)
{
	TEG_TRY(take_loaded(group, m, end, err));
	while (m->next == m->first + m->count && m->next < m->n) {
		group_forget_keys(group, m);
		TEG_TRY(take_loaded(group, m, end, err));
	}
	if (m->next == m->n) {
		m->at_hand = false;
		group_forget_keys(group, m);
	}
	return TEG_OK;
}

/* `behind`: a cut range has the rows at its end too. */
static teg_status take_range(struct group *group, bool behind, bool base, teg_error *err)
{
	struct range_end end = { NULL, false };
	size_t kept = 0;

	group_close_finished(group);
	end.position = range_end(group);
	if (!end.position) {
		group->done = true;
		return TEG_END;
	}
	share_keys(group);
	if (base && group->n_hand <= GROUP_MANY)
		TEG_TRY(choose_base(group, &end.position, err));
	TEG_TRY(cut_range(group, &end, err));
	if (behind && is_run(group, &end))
		return group_begin_run(group, end.position, err);
	end.cut &= !behind;
	for (uint32_t i = 0; i < group->n_hand; i++) {
		struct member *m = at_hand(group, i);

		if (!m)
			continue;
		TEG_TRY(take_until(group, m, &end, err));
		group_shed_member(group, m, &kept);
	}
	return TEG_OK;
}

/* A cut in front of rows at one position may leave nothing: then these are the next range. */
static teg_status take_next(struct group *group, bool base, teg_error *err)
{
	bool behind = false;

	while (group->range.n == 0 && !group->base.tile) {
		if (group->run.on) {
			TEG_TRY(group_take_run(group, err));
			continue;
		}
		TEG_TRY(take_range(group, behind, base, err));
		behind = true;
	}
	return TEG_OK;
}

teg_status group_next_range(struct group *group, bool by_position, teg_error *err)
{
	bool base = !by_position && may_have_base(group);

	key_rows_clear(&group->range);
	group->base.tile = NULL;
	group->goes_on = false;
	if (group->done)
		return TEG_END;
	if (group->point) {
		TEG_TRY(group_take_point(group, err));
		return sort_range(group, by_position, err);
	}
	if (group->small) {
		TEG_TRY(take_everything(group, base, err));
		return sort_range(group, by_position, err);
	}
	TEG_TRY(take_next(group, base, err));
	TEG_TRY(sort_range(group, by_position, err));
	return group->run.seen ? group_join_run(group, err) : TEG_OK;
}
