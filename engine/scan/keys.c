#include "engine/scan/keys.h"
#include "codec/base/sort.h"

void key_rows_init(struct key_rows *keys, const struct schema *schema, const struct order *order,
                   const teg_allocator *alloc)
{
	memset(keys, 0, sizeof *keys);
	keys->order = order;
	keys->valid_time = schema->valid_time;
	keys->alloc = alloc;
	for (uint32_t d = 0; d < order->n_dims; d++) {
		keys->is_text[d] = schema->dims[d].shape == COLUMN_BYTES;
		column_buf_init(&keys->text[d], COLUMN_BYTES, 0, alloc);
	}
}

/* The arrays that have one element per row, for all that treats them alike. */
struct slot {
	void **block;
	size_t elem;
};

#define SLOTS_MAX (TEG_MAX_DIMENSIONS + 7)

static uint32_t slots_of(struct key_rows *keys, struct slot *slots_out)
{
	uint32_t n = 0;

	for (uint32_t d = 0; d < keys->order->n_dims; d++)
		slots_out[n++] = (struct slot){ (void **)&keys->lane[d], 8 };
	slots_out[n++] = (struct slot){ (void **)&keys->system_from, 8 };
	slots_out[n++] = (struct slot){ (void **)&keys->superseded, 8 };
	if (keys->valid_time) {
		slots_out[n++] = (struct slot){ (void **)&keys->valid_from, 8 };
		slots_out[n++] = (struct slot){ (void **)&keys->valid_until, 8 };
	}
	slots_out[n++] = (struct slot){ (void **)&keys->kind, 1 };
	slots_out[n++] = (struct slot){ (void **)&keys->tile, 4 };
	slots_out[n++] = (struct slot){ (void **)&keys->row, 4 };
	return n;
}

void key_rows_release(struct key_rows *keys)
{
	struct slot slots[SLOTS_MAX];
	uint32_t n = slots_of(keys, slots);

	for (uint32_t i = 0; i < n; i++) {
		mem_free(keys->alloc, *slots[i].block, keys->cap * slots[i].elem);
		*slots[i].block = NULL;
	}
	for (uint32_t d = 0; d < keys->order->n_dims; d++)
		column_buf_release(&keys->text[d]);
	keys->n = 0;
	keys->cap = 0;
}

void key_rows_clear(struct key_rows *keys)
{
	keys->n = 0;
	for (uint32_t d = 0; d < keys->order->n_dims; d++)
		column_buf_clear(&keys->text[d]);
}

size_t key_rows_size(const struct key_rows *keys)
{
	size_t per_row = 8 * keys->order->n_dims + 16 + (keys->valid_time ? 16 : 0) + 9;
	size_t size = keys->cap * per_row;

	for (uint32_t d = 0; d < keys->order->n_dims; d++)
		size += column_buf_size(&keys->text[d]);
	return size;
}

/* All arrays have one capacity, so they grow together or not at all. */
bool key_rows_reserve(struct key_rows *keys, size_t need)
{
	size_t want = keys->cap + keys->cap / 2;
	struct slot slots[SLOTS_MAX];
	void *fresh[SLOTS_MAX];
	uint32_t n = slots_of(keys, slots), made = 0;

	if (need <= keys->cap)
		return true;
	want = want < need ? need : want;
	while (made < n && (fresh[made] = mem_array(keys->alloc, want, slots[made].elem)) != NULL)
		made++;
	if (made < n) {
		while (made-- > 0)
			mem_free(keys->alloc, fresh[made], want * slots[made].elem);
		return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (keys->n)
			memcpy(fresh[i], *slots[i].block, keys->n * slots[i].elem);
		mem_free(keys->alloc, *slots[i].block, keys->cap * slots[i].elem);
		*slots[i].block = fresh[i];
	}
	keys->cap = want;
	return true;
}

/* ---- loading ---- */

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for the keys of a range");
}

/* Columns of a tile, one after the other. */
struct load {
	struct tile_reader *reader;
	const struct tile *tile;
	uint32_t from, n_read; /* the rows that are read */
	const uint32_t *at;    /* those that stay, n of them; NULL: all */
	uint32_t n;
	struct column_buf all, some;
};

static teg_status read_all(struct load *load, uint32_t id, teg_error *err)
{
	return tile_read_column(load->reader, load->tile, id, load->from, load->n_read, &load->all,
	                        err);
}

static void begin_column(struct load *load, enum column_shape shape, uint32_t width)
{
	const teg_allocator *alloc = load->all.alloc;

	column_buf_release(&load->all);
	column_buf_release(&load->some);
	column_buf_init(&load->all, shape, width, alloc);
	column_buf_init(&load->some, shape, width, alloc);
}

static teg_status load_lanes(struct key_rows *keys, struct load *load, uint32_t d, teg_error *err)
{
	const struct field *field = &load->tile->segment->schema->dims[d];
	struct column view;

	begin_column(load, field->shape, field->width);
	TEG_TRY(read_all(load, field->id, err));
	view = column_buf_view(&load->all);
	if (load->at && column_buf_gather(&load->some, &view, load->at, load->n) != TEG_OK)
		return no_memory(err);
	if (load->at)
		view = column_buf_view(&load->some);
	lanes_of_column(&view, field->class, 0, view.n, keys->lane[d] + keys->n);
	if (keys->is_text[d] && column_buf_append(&keys->text[d], &view, 0, view.n) != TEG_OK)
		return no_memory(err);
	return TEG_OK;
}

static teg_status load_times(struct load *load, uint32_t id, int64_t *to, teg_error *err)
{
	const int64_t *from;

	column_buf_clear(&load->all);
	TEG_TRY(read_all(load, id, err));
	from = (const int64_t *)(const void *)load->all.values;
	if (!load->at)
		memcpy(to, from, load->n * sizeof *to);
	for (uint32_t i = 0; load->at && i < load->n; i++)
		to[i] = from[load->at[i]];
	return TEG_OK;
}

static teg_status load_kinds(struct key_rows *keys, struct load *load, teg_error *err)
{
	begin_column(load, COLUMN_FIXED, 1);
	TEG_TRY(read_all(load, COLUMN_ID_KIND, err));
	for (uint32_t i = 0; i < load->n; i++)
		keys->kind[keys->n + i] = load->all.values[load->at ? load->at[i] : i];
	return TEG_OK;
}

static teg_status load_columns(struct key_rows *keys, struct load *load, teg_error *err)
{
	uint32_t from = keys->n;

	for (uint32_t d = 0; d < keys->order->n_dims; d++)
		TEG_TRY(load_lanes(keys, load, d, err));
	begin_column(load, COLUMN_FIXED, 8);
	if (column_buf_reserve(&load->all, load->n_read, 0) != TEG_OK)
		return no_memory(err);
	TEG_TRY(load_times(load, COLUMN_ID_SYSTEM_FROM, keys->system_from + from, err));
	TEG_TRY(load_times(load, COLUMN_ID_SUPERSEDED, keys->superseded + from, err));
	if (keys->valid_time) {
		TEG_TRY(load_times(load, COLUMN_ID_VALID_FROM, keys->valid_from + from, err));
		TEG_TRY(load_times(load, COLUMN_ID_VALID_UNTIL, keys->valid_until + from, err));
	}
	return load_kinds(keys, load, err);
}

static teg_status load_rows(struct key_rows *keys, struct load *load, uint32_t tile_at,
                            teg_error *err)
{
	teg_status status;

	if (!key_rows_reserve(keys, (size_t)keys->n + load->n))
		return no_memory(err);
	column_buf_init(&load->all, COLUMN_FIXED, 8, keys->alloc);
	column_buf_init(&load->some, COLUMN_FIXED, 8, keys->alloc);
	status = load_columns(keys, load, err);
	column_buf_release(&load->all);
	column_buf_release(&load->some);
	TEG_TRY(status);
	for (uint32_t i = 0; i < load->n; i++) {
		keys->tile[keys->n + i] = tile_at;
		keys->row[keys->n + i] = load->at ? load->at[i] : load->from + i;
	}
	keys->n += load->n;
	return TEG_OK;
}

bool key_rows_in_box(const struct key_rows *keys, uint32_t i, const struct box *box)
{
	for (uint32_t d = 0; d < keys->order->n_dims; d++)
		if (keys->lane[d][i] < box->lo[d] || keys->lane[d][i] > box->hi[d])
			return false;
	return true;
}

void key_rows_bounds(const struct key_rows *keys, const uint32_t *rows, uint32_t n,
                     struct box *box_out)
{
	for (uint32_t d = 0; d < keys->order->n_dims; d++) {
		const uint64_t *lane = keys->lane[d];
		uint64_t lo = lane[rows[0]], hi = lo;

		for (uint32_t i = 1; i < n; i++) {
			lo = lane[rows[i]] < lo ? lane[rows[i]] : lo;
			hi = lane[rows[i]] > hi ? lane[rows[i]] : hi;
		}
		box_out->lo[d] = lo;
		box_out->hi[d] = hi;
	}
}

static void move_row(struct key_rows *keys, uint32_t to, uint32_t from)
{
	for (uint32_t d = 0; d < keys->order->n_dims; d++)
		keys->lane[d][to] = keys->lane[d][from];
	keys->system_from[to] = keys->system_from[from];
	keys->superseded[to] = keys->superseded[from];
	if (keys->valid_time) {
		keys->valid_from[to] = keys->valid_from[from];
		keys->valid_until[to] = keys->valid_until[from];
	}
	keys->kind[to] = keys->kind[from];
	keys->tile[to] = keys->tile[from];
	keys->row[to] = keys->row[from];
}

/* Keeps those of the rows from `from` on that lie in the box. With text the rows all stay: their
 * texts lie side by side, and a row too many is only looked at in vain. */
static void drop_outside(struct key_rows *keys, uint32_t from, const struct box *box)
{
	uint32_t kept = from;

	if (keys->order->has_text)
		return;
	for (uint32_t i = from; i < keys->n; i++) {
		if (!key_rows_in_box(keys, i, box))
			continue;
		if (kept < i)
			move_row(keys, kept, i);
		kept++;
	}
	keys->n = kept;
}

void key_rows_choose(struct key_rows *keys, const uint32_t *at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		move_row(keys, i, at[i]);
	keys->n = n;
}

/* Where the leading dimension is sorted only its rows inside the box are read. */
static teg_status narrow(struct load *load, const struct order *order, const struct box *box,
                         teg_error *err)
{
	const struct tile *tile = load->tile;
	uint32_t d = order->cell_order == TEG_ORDER_COLUMN ? order->n_dims - 1 : 0, end;
	const struct field *field = &tile->segment->schema->dims[d];

	if (order->has_text ||
	    (tile->entry.lo[d] >= box->lo[d] && tile->entry.hi[d] <= box->hi[d]) ||
	    (!tile_find_column(&tile->header, field->id) && !tile->segment->ref->implicit_ids))
		return TEG_OK;
	TEG_TRY(tile_search_column(load->reader, tile, field, box->lo[d], box->hi[d], &load->from,
	                           &end, err));
	load->n = load->n_read = end > load->from ? end - load->from : 0;
	return TEG_OK;
}

teg_status key_rows_load(struct key_rows *keys, struct tile_reader *reader, const struct tile *tile,
                         uint32_t tile_at, const struct box *box, teg_error *err)
{
	uint32_t n = tile->header.n_rows, from = keys->n;
	struct load load = { .reader = reader, .tile = tile, .n_read = n, .n = n };

	if (box)
		TEG_TRY(narrow(&load, keys->order, box, err));
	if (!load.n)
		return TEG_OK;
	TEG_TRY(load_rows(keys, &load, tile_at, err));
	if (box && !box_has_tile(box, &tile->entry, keys->order->n_dims))
		drop_outside(keys, from, box);
	return TEG_OK;
}

teg_status key_rows_load_rows(struct key_rows *keys, struct tile_reader *reader,
                              const struct tile *tile, uint32_t tile_at, const uint32_t *at,
                              uint32_t n, teg_error *err)
{
	struct load load = {
		.reader = reader, .tile = tile, .n_read = tile->header.n_rows, .at = at, .n = n
	};

	return load_rows(keys, &load, tile_at, err);
}

teg_status key_rows_append(struct key_rows *keys, const struct key_rows *from, const uint32_t *at,
                           uint32_t n, teg_error *err)
{
	if (!key_rows_reserve(keys, (size_t)keys->n + n))
		return no_memory(err);
	for (uint32_t d = 0; d < keys->order->n_dims; d++) {
		struct column text = column_buf_view(&from->text[d]);

		if (keys->is_text[d] && column_buf_gather(&keys->text[d], &text, at, n) != TEG_OK)
			return no_memory(err);
		for (uint32_t i = 0; i < n; i++)
			keys->lane[d][keys->n + i] = from->lane[d][at[i]];
	}
	for (uint32_t i = 0; i < n; i++) {
		keys->system_from[keys->n + i] = from->system_from[at[i]];
		keys->superseded[keys->n + i] = from->superseded[at[i]];
		keys->kind[keys->n + i] = from->kind[at[i]];
		keys->tile[keys->n + i] = from->tile[at[i]];
		keys->row[keys->n + i] = from->row[at[i]];
	}
	for (uint32_t i = 0; keys->valid_time && i < n; i++) {
		keys->valid_from[keys->n + i] = from->valid_from[at[i]];
		keys->valid_until[keys->n + i] = from->valid_until[at[i]];
	}
	keys->n += n;
	return TEG_OK;
}

/* ---- sorting ---- */

#define SORT_WORDS_MAX (POSITION_WORDS_MAX + TEG_MAX_DIMENSIONS + 2)

struct sort_words {
	uint32_t n;
	const uint64_t *at[SORT_WORDS_MAX];
	uint64_t *own[POSITION_WORDS_MAX + 2]; /* to be freed */
	uint32_t n_own;
};

static uint64_t *own_word(struct sort_words *words, const struct key_rows *keys)
{
	uint64_t *word = mem_array(keys->alloc, keys->n ? keys->n : 1, sizeof *word);

	if (word) {
		words->own[words->n_own++] = word;
		words->at[words->n++] = word;
	}
	return word;
}

static bool add_positions(struct sort_words *words, const struct key_rows *keys)
{
	uint64_t *position[POSITION_WORDS_MAX];

	for (uint32_t w = 0; w < keys->order->n_words; w++) {
		position[w] = own_word(words, keys);
		if (!position[w])
			return false;
	}
	order_positions(keys->order, (const uint64_t *const *)keys->lane, keys->n, position);
	return true;
}

/* Within one commit an erasure comes last: it ends what a key's older versions answer, and what the
 * commit itself put after it comes before. */
static uint64_t start_lane(const struct key_rows *keys, uint32_t i)
{
	if (kind_erases(keys->kind[i]))
		return UINT64_MAX;
	return keys->valid_time ? lane_of_i64(keys->valid_from[i]) : 0;
}

static bool any_erased(const struct key_rows *keys)
{
	for (uint32_t i = 0; i < keys->n; i++)
		if (kind_erases(keys->kind[i]))
			return true;
	return false;
}

static bool add_times(struct sort_words *words, const struct key_rows *keys)
{
	uint64_t *newest_first = own_word(words, keys), *from;

	if (!newest_first)
		return false;
	for (uint32_t i = 0; i < keys->n; i++)
		newest_first[i] = ~lane_of_i64(keys->system_from[i]);
	if (!keys->valid_time && !any_erased(keys))
		return true;
	from = own_word(words, keys);
	for (uint32_t i = 0; from && i < keys->n; i++)
		from[i] = start_lane(keys, i);
	return from != NULL;
}

static bool collect_words(struct sort_words *words, const struct key_rows *keys, bool by_position)
{
	uint32_t n_dims = keys->order->n_dims;

	if (by_position && !add_positions(words, keys))
		return false;
	for (uint32_t d = 0; d < n_dims; d++)
		words->at[words->n++] =
			keys->lane[keys->order->cell_order == TEG_ORDER_COLUMN ? n_dims - 1 - d
		                                                               : d];
	return add_times(words, keys);
}

static struct span text_of(const struct key_rows *keys, uint32_t d, uint32_t i)
{
	struct column view = column_buf_view(&keys->text[d]);

	return column_value(&view, i);
}

static int compare_texts(const struct key_rows *a, uint32_t i, const struct key_rows *b, uint32_t k)
{
	uint32_t n_dims = a->order->n_dims;
	int order = 0;

	for (uint32_t at = 0; at < n_dims && !order && a->order->has_text; at++) {
		uint32_t d = a->order->cell_order == TEG_ORDER_COLUMN ? n_dims - 1 - at : at;

		if (a->is_text[d])
			order = span_compare(text_of(a, d, i), text_of(b, d, k));
	}
	return order;
}

/* By their texts, then newest first. */
int key_rows_compare(const struct key_rows *a, uint32_t i, const struct key_rows *b, uint32_t k)
{
	int order = compare_texts(a, i, b, k);
	uint64_t x, y;

	if (order)
		return order;
	if (a->system_from[i] != b->system_from[k])
		return a->system_from[i] > b->system_from[k] ? -1 : 1;
	x = start_lane(a, i);
	y = start_lane(b, k);
	return (x > y) - (x < y);
}

static bool texts_swapped(const void *ctx, const void *a, const void *b)
{
	return key_rows_compare(ctx, *(const uint32_t *)a, ctx, *(const uint32_t *)b) > 0;
}

static bool same_lanes(const struct key_rows *a, uint32_t i, const struct key_rows *b, uint32_t k)
{
	for (uint32_t d = 0; d < a->order->n_dims; d++)
		if (a->lane[d][i] != b->lane[d][k])
			return false;
	return true;
}

static teg_status settle_texts(const struct key_rows *keys, uint32_t *perm)
{
	uint32_t *work = mem_array(keys->alloc, keys->n ? keys->n : 1, sizeof *work);

	if (!work)
		return TEG_NOMEM;
	for (uint32_t i = 0, end; i < keys->n; i = end) {
		end = i + 1;
		while (end < keys->n && same_lanes(keys, perm[i], keys, perm[end]))
			end++;
		sort_stable(perm + i, work, end - i, sizeof *perm, texts_swapped, keys);
	}
	mem_free(keys->alloc, work, (keys->n ? keys->n : 1) * sizeof *work);
	return TEG_OK;
}

teg_status key_rows_sort(const struct key_rows *keys, bool by_position, uint32_t *perm_out,
                         teg_error *err)
{
	struct sort_words words = { 0 };
	teg_status status = TEG_NOMEM;

	if (collect_words(&words, keys, by_position))
		status = order_sort(words.at, words.n, keys->n, keys->alloc, perm_out);
	for (uint32_t w = 0; w < words.n_own; w++)
		mem_free(keys->alloc, words.own[w], (keys->n ? keys->n : 1) * sizeof *words.own[w]);
	if (status == TEG_OK && keys->order->has_text)
		status = settle_texts(keys, perm_out);
	return status == TEG_OK ? TEG_OK
	                        : teg_fail(err, status, "no memory to sort %u rows", keys->n);
}

bool key_rows_same(const struct key_rows *a, uint32_t i, const struct key_rows *b, uint32_t k)
{
	if (!same_lanes(a, i, b, k))
		return false;
	for (uint32_t d = 0; a->order->has_text && d < a->order->n_dims; d++)
		if (a->is_text[d] && !span_equal(text_of(a, d, i), text_of(b, d, k)))
			return false;
	return true;
}

struct version key_rows_version(const struct key_rows *keys, uint32_t i, bool repeated)
{
	return (struct version){ .system_from = keys->system_from[i],
		                 .valid_from = keys->valid_time ? keys->valid_from[i] : INT64_MIN,
		                 .valid_until = keys->valid_time ? keys->valid_until[i] : INT64_MAX,
		                 .superseded_at = keys->superseded[i],
		                 .row = i,
		                 .kind = kind_shown(keys->kind[i]),
		                 .claims = !repeated || keys->kind[i] != ROW_LIVE,
		                 .target = true };
}
