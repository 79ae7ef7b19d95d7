/* One tile of a group: its keys in position order, decoded as they are needed. */
#include "engine/scan/group.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for the keys of a tile");
}

static uint32_t n_words_of(const struct group *group)
{
	return group->range.order
	        ->n_words; /* not from the plan: teg_take's index may have it by now */
}

/* ---- life ---- */

void group_forget_keys(struct group *group, struct member *m)
{
	if (!m->loaded)
		return;
	mem_free(group->alloc, m->perm, ((size_t)m->count + 1) * sizeof *m->perm);
	mem_free(group->alloc, m->words,
	         ((size_t)m->count * n_words_of(group) + 1) * sizeof *m->words);
	m->perm = NULL;
	m->words = NULL;
	key_rows_release(&m->keys);
	m->loaded = false;
}

static size_t marks_size(const struct group *group, const struct member *m)
{
	return ((size_t)m->n / m->mark_rows + 1) * n_words_of(group) * sizeof *m->marks;
}

void group_close_member(struct group *group, struct member *m)
{
	group_forget_keys(group, m);
	if (m->marks)
		mem_free(group->alloc, m->marks, marks_size(group, m));
	m->marks = NULL;
	if (m->sorted) {
		group->sorted_len -= m->n * sizeof *m->sorted;
		mem_free(group->alloc, m->sorted, m->n * sizeof *m->sorted);
		m->sorted = NULL;
	}
	if (m->open)
		tile_release(&m->tile);
	m->open = false;
}

teg_status group_open_member(struct group *group, struct member *m, teg_error *err)
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

size_t group_member_size(const struct group *group, const struct member *m)
{
	if (!m->loaded)
		return 0;
	return key_rows_size(&m->keys) +
	       (size_t)m->count * (sizeof *m->perm + n_words_of(group) * sizeof *m->words);
}

/* ---- the first time ---- */

/* Room for perm and, later on, words of `count` rows, which are loaded from then on. */
static bool reserve_perm(struct group *group, struct member *m, uint32_t count)
{
	m->count = count;
	m->words = NULL;
	m->perm = mem_alloc(group->alloc, ((size_t)count + 1) * sizeof *m->perm);
	m->loaded = true; /* group_forget_keys() takes care of whatever there is */
	return m->perm;
}

static bool reserve_words(struct group *group, struct member *m)
{
	m->words = mem_alloc(group->alloc,
	                     ((size_t)m->count * n_words_of(group) + 1) * sizeof *m->words);
	return m->words;
}

/* The positions of m->keys, in their order, into raw, a word after the other. */
static void find_positions(const struct group *group, const struct member *m, uint64_t *raw,
                           uint64_t **words)
{
	for (uint32_t w = 0; w < n_words_of(group); w++)
		words[w] = raw + (size_t)w * m->keys.n;
	order_positions(group->range.order, (const uint64_t *const *)m->keys.lane, m->keys.n,
	                words);
}

static teg_status gather_words(struct group *group, struct member *m, uint64_t *const *words)
{
	uint32_t n_words = n_words_of(group);

	if (!reserve_words(group, m))
		return TEG_NOMEM;
	for (uint32_t w = 0; w < n_words; w++)
		for (size_t i = 0; i < m->count; i++)
			m->words[i * n_words + w] = words[w][m->perm[i]];
	return TEG_OK;
}

/* All keys of the tile by position. */
static teg_status sort_member(struct group *group, struct member *m, teg_error *err)
{
	size_t n = m->keys.n, raw_len = (n * n_words_of(group) + 1) * sizeof(uint64_t);
	uint64_t *raw = mem_alloc(group->alloc, raw_len), *words[POSITION_WORDS_MAX];
	teg_status status = TEG_NOMEM;

	m->n = (uint32_t)n;
	m->first = 0;
	if (reserve_perm(group, m, m->n) && raw) {
		find_positions(group, m, raw, words);
		status = order_sort((const uint64_t *const *)words, n_words_of(group), m->n,
		                    group->alloc, m->perm);
	}
	if (status == TEG_OK)
		status = gather_words(group, m, words);
	mem_free(group->alloc, raw, raw_len);
	return status == TEG_OK ? TEG_OK : no_memory(err);
}

static teg_status mark_member(struct group *group, struct member *m, teg_error *err)
{
	uint32_t n_words = n_words_of(group), step;

	if (m->marks)
		return TEG_OK;
	step = m->n < 16 * GROUP_MARK_ROWS ? GROUP_MARK_ROWS_FEW : GROUP_MARK_ROWS;
	m->mark_rows = step;
	m->marks = mem_alloc(group->alloc, marks_size(group, m));
	if (!m->marks)
		return no_memory(err);
	for (size_t i = 0; i < m->n; i += step)
		memcpy(m->marks + i / step * n_words, m->words + i * n_words,
		       n_words * sizeof *m->marks);
	return TEG_OK;
}

/* So that the next window need not be sorted for again. Without room for it, it is. */
static void keep_sorted(struct group *group, struct member *m)
{
	size_t len = m->n * sizeof *m->sorted;

	if (m->sorted || m->tile.header.n_rows > UINT16_MAX + 1u ||
	    group->sorted_len + len > group->limits.sorted_len)
		return;
	m->sorted = mem_alloc(group->alloc, len);
	if (!m->sorted)
		return;
	group->sorted_len += len;
	for (uint32_t i = 0; i < m->n; i++)
		m->sorted[i] = (uint16_t)m->keys.row[m->perm[i]];
}

/* ---- a window of them ---- */

static uint32_t window_of(const struct group *group, const struct member *m)
{
	uint32_t left = m->n - m->next;

	return left < group->window_rows ? left : group->window_rows;
}

/* Leaves the keys of the next rows alone, in their order: the others are decoded again by and by. */
static teg_status trim_member(struct group *group, struct member *m, teg_error *err)
{
	uint32_t n = window_of(group, m), n_words = n_words_of(group);
	struct member all = *m;
	teg_status status;

	if (n == m->n)
		return TEG_OK;
	keep_sorted(group, m);
	key_rows_init(&m->keys, group->plan->array->state.schema, group->range.order, group->alloc);
	m->first = m->next;
	status = reserve_perm(group, m, n) && reserve_words(group, m)
	                 ? key_rows_append(&m->keys, &all.keys, all.perm + m->next, n, err)
	                 : no_memory(err);
	for (uint32_t i = 0; status == TEG_OK && i < n; i++)
		m->perm[i] = i;
	if (status == TEG_OK)
		memcpy(m->words, all.words + (size_t)m->next * n_words,
		       (size_t)n * n_words * sizeof *m->words);
	group_forget_keys(group, &all);
	return status;
}

/* The next rows again, where the order is known: neither keys nor positions of others are needed. */
static teg_status load_window(struct group *group, struct member *m, teg_error *err)
{
	uint32_t n = window_of(group, m);
	size_t raw_len = ((size_t)n * n_words_of(group) + 1) * sizeof(uint64_t);
	uint64_t *raw = mem_alloc(group->alloc, raw_len), *words[POSITION_WORDS_MAX];
	teg_status status = reserve_perm(group, m, n) && raw ? TEG_OK : no_memory(err);

	m->first = m->next;
	for (uint32_t i = 0; status == TEG_OK && i < n; i++)
		m->perm[i] = m->sorted[m->next + i];
	if (status == TEG_OK)
		status = key_rows_load_rows(&m->keys, group->reader, &m->tile,
		                            (uint32_t)(m - group->members), m->perm, n, err);
	for (uint32_t i = 0; status == TEG_OK && i < n; i++)
		m->perm[i] = i;
	if (status == TEG_OK) {
		find_positions(group, m, raw, words);
		status = error_of_memory(err, gather_words(group, m, words),
		                         "for the keys of a tile");
	}
	mem_free(group->alloc, raw, raw_len);
	return status;
}

static void note_texts(struct group *group, const struct member *m)
{
	size_t len = 0;

	for (uint32_t d = 0; d < group->range.order->n_dims; d++)
		len += column_buf_size(&m->keys.text[d]);
	len /= (size_t)m->keys.n + 1;
	if (group->range.order->has_text && len > group->limits.text_len)
		group->limits.text_len = len;
}

/* All keys, in which the window's then are. */
static teg_status load_all(struct group *group, struct member *m, teg_error *err)
{
	teg_status status = key_rows_load(&m->keys, group->reader, &m->tile,
	                                  (uint32_t)(m - group->members), group->view->box, err);

	if (status != TEG_OK) {
		key_rows_release(&m->keys);
		return status;
	}
	note_texts(group, m);
	TEG_TRY(sort_member(group, m, err));
	TEG_TRY(mark_member(group, m, err));
	return trim_member(group, m, err);
}

teg_status group_load_member(struct group *group, struct member *m, teg_error *err)
{
	if (m->loaded)
		return TEG_OK;
	TEG_TRY(poll_ask(group->view->poll, err));
	TEG_TRY(group_open_member(group, m, err));
	key_rows_init(&m->keys, group->plan->array->state.schema, group->range.order, group->alloc);
	return m->sorted ? load_window(group, m, err) : load_all(group, m, err);
}

/* ---- how much lies where ---- */

/* Of n positions, sorted, how many lie before this one, or at it (unless it is `exclusive`). */
static uint32_t n_before(const uint64_t *words, uint32_t n, const uint64_t *position,
                         uint32_t n_words, bool exclusive)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int order = position_compare(words + (size_t)mid * n_words, position, n_words);

		if (order < 0 || (order == 0 && !exclusive))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint32_t group_find_row(const struct group *group, const struct member *m, const uint64_t *position,
                        bool at)
{
	uint32_t n_words = n_words_of(group), skip = m->next - m->first;

	return m->next +
	       n_before(m->words + (size_t)skip * n_words, m->count - skip, position, n_words, at);
}

uint32_t group_rows_before(const struct group *group, const struct member *m,
                           const uint64_t *position)
{
	uint32_t n_words = n_words_of(group), step = m->mark_rows, n;

	n = m->loaded ? group_find_row(group, m, position, false) : 0;
	if (m->loaded && (n < m->first + m->count || n == m->n))
		return n - m->next;
	n = n_before(m->marks, (m->n + step - 1) / step, position, n_words, false);
	n = n < m->n / step ? n * step : m->n;
	return n > m->next ? n - m->next : 0;
}
