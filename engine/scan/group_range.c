#include "engine/scan/group.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to merge the keys of tiles");
}

/* What a row of a range costs: its key and times, its versions, what is derived of it, and sorting. */
#define RANGE_ROW_SIZE 1024

void group_limit(struct group *group, size_t memory)
{
	size_t rows = memory / 2 / RANGE_ROW_SIZE;

	group->keys_budget = memory / 8;
	group->range_rows = rows < 1 ? 1 : rows < UINT32_MAX ? (uint32_t)rows : UINT32_MAX;
}

void group_limit_scan(struct group *group)
{
	group->cut_from = GROUP_MANY;
	group->keys_budget = SCAN_KEYS_BUDGET;
	group->range_rows = SCAN_RANGE_ROWS;
}

/* ---- members ---- */

static void forget_keys(struct group *group, struct member *m)
{
	/* Not from the plan: teg_take's index may have taken that over by now. */
	uint32_t n_words = group->range.order->n_words;

	if (!m->loaded)
		return;
	mem_free(group->alloc, m->perm, ((size_t)m->count + 1) * sizeof *m->perm);
	mem_free(group->alloc, m->words, ((size_t)m->count * n_words + 1) * sizeof *m->words);
	m->perm = NULL;
	m->words = NULL;
	key_rows_release(&m->keys);
	m->loaded = false;
}

static size_t marks_size(const struct group *group, const struct member *m)
{
	return ((size_t)m->n / GROUP_MARK_ROWS + 1) * group->range.order->n_words *
	       sizeof *m->marks;
}

static void close_member(struct group *group, struct member *m)
{
	forget_keys(group, m);
	mem_free(group->alloc, m->marks, marks_size(group, m));
	m->marks = NULL;
	if (m->open)
		tile_release(&m->tile);
	m->open = false;
}

static teg_status open_member(struct group *group, struct member *m, teg_error *err)
{
	struct segment *segment;

	if (m->open)
		return TEG_OK;
	TEG_TRY(array_segment(group->plan->array, m->plan->segment, &segment, err));
	TEG_TRY(tile_open(&m->tile, segment, &m->plan->entry, group->alloc, err));
	m->open = true;
	group->plan->stats.tiles_read++;
	group->plan->stats.tiles_resolved++;
	group->plan->stats.rows_read += m->tile.header.n_rows;
	return TEG_OK;
}

/* The member's keys by position: perm sorts them, words are the positions in that order. */
static teg_status sort_member(struct group *group, struct member *m, teg_error *err)
{
	const struct order *order = group->plan->array->order;
	size_t n = m->keys.n;
	uint64_t *raw = mem_alloc(group->alloc, (n * order->n_words + 1) * sizeof *raw);
	uint64_t *words[POSITION_WORDS_MAX];
	teg_status status = TEG_NOMEM;

	m->n = m->count = (uint32_t)n;
	m->first = 0;
	m->perm = mem_alloc(group->alloc, (n + 1) * sizeof *m->perm);
	m->words = mem_alloc(group->alloc, (n * order->n_words + 1) * sizeof *m->words);
	m->loaded = true; /* forget_keys() takes care of whatever there is */
	for (uint32_t w = 0; raw && w < order->n_words; w++)
		words[w] = raw + w * n;
	if (raw && m->perm && m->words) {
		order_positions(order, (const uint64_t *const *)m->keys.lane, n, words);
		status = order_sort((const uint64_t *const *)words, order->n_words, (uint32_t)n,
		                    group->alloc, m->perm);
	}
	for (uint32_t w = 0; status == TEG_OK && w < order->n_words; w++)
		for (size_t i = 0; i < n; i++)
			m->words[i * order->n_words + w] = words[w][m->perm[i]];
	mem_free(group->alloc, raw, (n * order->n_words + 1) * sizeof *raw);
	return status == TEG_OK ? TEG_OK : no_memory(err);
}

static uint32_t member_at(const struct group *group, const struct member *m)
{
	return (uint32_t)(m - group->members);
}

/* Marks stay when the keys go. */
static teg_status mark_member(struct group *group, struct member *m, teg_error *err)
{
	uint32_t n_words = group->range.order->n_words;

	if (m->marks)
		return TEG_OK;
	m->marks = mem_alloc(group->alloc, marks_size(group, m));
	if (!m->marks)
		return no_memory(err);
	for (size_t i = 0; i < m->n; i += GROUP_MARK_ROWS)
		memcpy(m->marks + i / GROUP_MARK_ROWS * n_words, m->words + i * n_words,
		       n_words * sizeof *m->marks);
	return TEG_OK;
}

/* Leaves the keys of the next rows alone, in their order: the others are decoded again by and by. */
static teg_status trim_member(struct group *group, struct member *m, teg_error *err)
{
	uint32_t n_words = group->range.order->n_words, n = m->n - m->next;
	struct member all = *m;
	teg_status status;

	n = n < group->window_rows ? n : group->window_rows;
	if (n == m->n)
		return TEG_OK;
	key_rows_init(&m->keys, group->plan->array->state.schema, group->plan->array->order,
	              group->alloc);
	m->first = m->next;
	m->count = n;
	m->perm = mem_alloc(group->alloc, ((size_t)n + 1) * sizeof *m->perm);
	m->words = mem_alloc(group->alloc, ((size_t)n * n_words + 1) * sizeof *m->words);
	status = m->perm && m->words
	                 ? key_rows_append(&m->keys, &all.keys, all.perm + m->next, n, err)
	                 : no_memory(err);
	for (uint32_t i = 0; status == TEG_OK && i < n; i++)
		m->perm[i] = i;
	if (status == TEG_OK)
		memcpy(m->words, all.words + (size_t)m->next * n_words,
		       (size_t)n * n_words * sizeof *m->words);
	forget_keys(group, &all);
	return status;
}

static teg_status load_member(struct group *group, struct member *m, teg_error *err)
{
	teg_status status;

	if (m->loaded)
		return TEG_OK;
	TEG_TRY(open_member(group, m, err));
	key_rows_init(&m->keys, group->plan->array->state.schema, group->plan->array->order,
	              group->alloc);
	status = key_rows_load(&m->keys, group->reader, &m->tile, member_at(group, m),
	                       group->view->box, err);
	if (status != TEG_OK) {
		key_rows_release(&m->keys);
		return status;
	}
	TEG_TRY(sort_member(group, m, err));
	if (group->range_rows == UINT32_MAX)
		return TEG_OK;
	TEG_TRY(mark_member(group, m, err));
	return trim_member(group, m, err);
}

teg_status group_begin(struct group *group, const uint32_t *at, uint32_t n, teg_error *err)
{
	uint64_t n_rows = 0;

	group->members = mem_zalloc(group->alloc, n * sizeof *group->members);
	group->tiles = mem_zalloc(group->alloc, n * sizeof(struct tile *));
	group->near = mem_array(group->alloc, group->plan->n_boxes, sizeof *group->near);
	group->n_members = n;
	group->next_member = 0;
	group->done = false;
	if (!group->members || !group->tiles || !group->near) {
		group_end(group);
		return no_memory(err);
	}
	for (uint32_t i = 0; i < n; i++) {
		group->members[i].plan = &group->plan->tiles[at[i]];
		group->tiles[i] = &group->members[i].tile;
		n_rows += group->members[i].plan->entry.n_rows;
	}
	group->small = n_rows <= GROUP_ROWS_SMALL &&
	               (n_rows <= group->range_rows || n <= group->cut_from);
	return TEG_OK;
}

void group_end(struct group *group)
{
	for (uint32_t i = 0; group->members && i < group->n_members; i++)
		close_member(group, &group->members[i]);
	mem_free(group->alloc, group->members, group->n_members * sizeof *group->members);
	mem_free(group->alloc, group->tiles, group->n_members * sizeof(struct tile *));
	mem_free(group->alloc, group->near, group->plan->n_boxes * sizeof *group->near);
	group->near = NULL;
	group->members = NULL;
	group->tiles = NULL;
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
	TEG_TRY(open_member(group, m, err));
	if (tile_find_column(&m->tile.header, COLUMN_ID_SUPERSEDED))
		return TEG_OK;
	m->at_hand = false;
	return base_load(&group->base, &m->tile, member_at(group, m), group->view->box,
	                 group->reader, err);
}

static bool is_base(const struct group *group, const struct member *m)
{
	return group->base.tile == &m->tile;
}

/* ---- taking rows ---- */

static teg_status take_everything(struct group *group, bool base, teg_error *err)
{
	if (base)
		TEG_TRY(choose_base(group, NULL, err));
	for (uint32_t i = 0; i < group->n_members; i++) {
		if (is_base(group, &group->members[i]))
			continue;
		TEG_TRY(open_member(group, &group->members[i], err));
		TEG_TRY(key_rows_load(&group->range, group->reader, &group->members[i].tile, i,
		                      group->view->box, err));
	}
	group->done = true;
	return group->range.n || group->base.tile ? TEG_OK : TEG_END;
}

/* The position at which the range ends: the smallest last cell of the tiles at hand, after all tiles
 * that start before it have been taken to hand. NULL: nothing is left. */
static const uint64_t *range_end(struct group *group)
{
	uint32_t n_words = group->plan->array->order->n_words;
	const uint64_t *end = NULL;

	for (uint32_t i = 0; i < group->next_member; i++) {
		const struct member *m = &group->members[i];

		if (m->at_hand && (!end || position_compare(m->plan->last, end, n_words) < 0))
			end = m->plan->last;
	}
	while (group->next_member < group->n_members) {
		struct member *m = &group->members[group->next_member];

		if (end && position_compare(m->plan->first, end, n_words) > 0)
			break;
		m->at_hand = true;
		group->next_member++;
		if (!end || position_compare(m->plan->last, end, n_words) < 0)
			end = m->plan->last;
	}
	return end;
}

/* Where a range ends: behind the rows at this position, or (cut) in front of them. */
struct range_end {
	const uint64_t *position; /* NULL: nothing is left */
	bool cut;
};

static bool in_range(const uint64_t *position, const struct range_end *end, uint32_t n_words)
{
	return position_compare(position, end->position, n_words) <= (end->cut ? -1 : 0);
}

/* The first of the member's rows loaded, in position order, that lies behind the range. */
static uint32_t rows_until(const struct member *m, const struct range_end *end, uint32_t n_words)
{
	uint32_t lo = m->next, hi = m->first + m->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (in_range(m->words + (size_t)(mid - m->first) * n_words, end, n_words))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Keeps the decoded keys within their budget: a member over it is decoded again for each range. */
static void shed_member(struct group *group, struct member *m, size_t *kept)
{
	/* A scan is short of memory only where many tiles overlap. */
	size_t budget = group->cut_from && !group->many ? GROUP_KEYS_BUDGET : group->keys_budget;

	if (!m->loaded)
		return;
	*kept += key_rows_size(&m->keys) +
	         (size_t)m->count *
	                 (sizeof *m->perm + group->range.order->n_words * sizeof *m->words);
	if (*kept > budget)
		forget_keys(group, m);
}

static uint32_t n_at_hand(const struct group *group)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < group->next_member; i++)
		n += group->members[i].at_hand;
	return n;
}

/* A key, its times and its place: about so much where there are two dimensions. */
#define KEY_SIZE 64

static teg_status mark_members(struct group *group, uint32_t n, teg_error *err)
{
	size_t kept = 0, rows = group->keys_budget / KEY_SIZE / n;

	group->window_rows = rows < GROUP_MARK_ROWS ? GROUP_MARK_ROWS : (uint32_t)rows;
	for (uint32_t i = 0; i < group->next_member; i++) {
		struct member *m = &group->members[i];

		if (m->at_hand && !m->marks)
			TEG_TRY(load_member(group, m, err));
		shed_member(group, m, &kept);
	}
	return TEG_OK;
}

/* Ends the range where a member has given its share of rows, if that is sooner. Rows at the position
 * itself stay together in the next range; where none lie before it, the range turns out empty. */
static teg_status cut_range(struct group *group, struct range_end *end, teg_error *err)
{
	uint32_t n_words = group->range.order->n_words, n = n_at_hand(group);
	uint32_t share = group->range_rows / n;

	TEG_TRY(mark_members(group, n, err));
	for (uint32_t i = 0; i < group->next_member; i++) {
		const struct member *m = &group->members[i];
		size_t mark = ((size_t)m->next + share) / GROUP_MARK_ROWS + 1;

		if (!m->at_hand || mark * GROUP_MARK_ROWS >= m->n)
			continue;
		if (position_compare(m->marks + mark * n_words, end->position, n_words) <= 0)
			*end = (struct range_end){ m->marks + mark * n_words, true };
	}
	return TEG_OK;
}

static teg_status take_loaded(struct group *group, struct member *m, const struct range_end *end,
                              teg_error *err)
{
	uint32_t until;

	TEG_TRY(load_member(group, m, err));
	until = rows_until(m, end, group->range.order->n_words);
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
		forget_keys(group, m);
		TEG_TRY(take_loaded(group, m, end, err));
	}
	if (in_range(m->plan->last, end, group->range.order->n_words)) {
		m->at_hand = false;
		forget_keys(group, m);
	}
	return TEG_OK;
}

static void close_finished(struct group *group)
{
	group->base.tile = NULL;
	for (uint32_t i = 0; i < group->next_member; i++)
		if (!group->members[i].at_hand)
			close_member(group, &group->members[i]);
}

static teg_status take_range(struct group *group, bool cuts, bool base, teg_error *err)
{
	struct range_end end = { NULL, false };
	size_t kept = 0;
	bool many;

	close_finished(group);
	end.position = range_end(group);
	if (!end.position) {
		group->done = true;
		return TEG_END;
	}
	many = n_at_hand(group) > group->cut_from;
	group->many = group->cut_from && many;
	if (cuts && many)
		TEG_TRY(cut_range(group, &end, err));
	else if (cuts)
		group->window_rows = UINT32_MAX;
	if (base && !group->many)
		TEG_TRY(choose_base(group, &end.position, err));
	for (uint32_t i = 0; i < group->next_member; i++) {
		struct member *m = &group->members[i];

		if (m->at_hand)
			TEG_TRY(take_until(group, m, &end, err));
		shed_member(group, m, &kept);
	}
	return TEG_OK;
}

teg_status group_next_range(struct group *group, bool by_position, teg_error *err)
{
	bool base = !by_position && may_have_base(group);

	key_rows_clear(&group->range);
	group->base.tile = NULL;
	if (group->done)
		return TEG_END;
	if (group->small) {
		TEG_TRY(take_everything(group, base, err));
		return sort_range(group, by_position, err);
	}
	TEG_TRY(take_range(group, group->range_rows < UINT32_MAX, base, err));
	while (group->range.n == 0 && !group->base.tile)
		TEG_TRY(take_range(group, false, base, err));
	return sort_range(group, by_position, err);
}
