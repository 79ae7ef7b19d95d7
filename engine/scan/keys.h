/* Keys and times of many rows from several tiles, side by side: what resolution and merging sort and
 * walk. Attributes stay in their tiles; `tile` and `row` say where. */
#ifndef TEG_ENGINE_SCAN_KEYS_H
#define TEG_ENGINE_SCAN_KEYS_H
#include "engine/order/order.h"
#include "engine/store/segment.h"
#include "engine/time/visibility.h"

struct key_rows {
	uint32_t n;
	size_t cap;
	const struct order *order;
	bool valid_time; /* else valid_from and valid_until are NULL: all of valid time */
	uint64_t *lane[TEG_MAX_DIMENSIONS];
	struct column_buf text[TEG_MAX_DIMENSIONS]; /* BYTES dimensions only */
	bool is_text[TEG_MAX_DIMENSIONS];
	int64_t *system_from, *superseded, *valid_from, *valid_until;
	uint8_t *kind;
	uint32_t *tile, *row;
	const teg_allocator *alloc;
};

void key_rows_init(struct key_rows *keys, const struct schema *schema, const struct order *order,
                   const teg_allocator *alloc);
void key_rows_release(struct key_rows *keys);
void key_rows_clear(struct key_rows *keys);
size_t key_rows_size(const struct key_rows *keys); /* bytes held */

/* Does the tile lie wholly in the box? */
static inline bool box_has_tile(const struct box *box, const struct index_entry *tile,
                                uint32_t n_dims)
{
	for (uint32_t d = 0; d < n_dims; d++)
		if (tile->lo[d] < box->lo[d] || tile->hi[d] > box->hi[d])
			return false;
	return true;
}

/* Room for so many rows. False: no memory. */
bool key_rows_reserve(struct key_rows *keys, size_t need);
/* Appends the rows of a tile that lie in `box` (NULL: all), as tile number `tile_at`. */
teg_status key_rows_load(struct key_rows *keys, struct tile_reader *reader, const struct tile *tile,
                         uint32_t tile_at, const struct box *box, teg_error *err);
/* The same of its rows at[0 .. n), in that order. */
teg_status key_rows_load_rows(struct key_rows *keys, struct tile_reader *reader,
                              const struct tile *tile, uint32_t tile_at, const uint32_t *at,
                              uint32_t n, teg_error *err);
/* Appends rows at[0 .. n) of `from`. */
teg_status key_rows_append(struct key_rows *keys, const struct key_rows *from, const uint32_t *at,
                           uint32_t n, teg_error *err);

/* Leaves rows at[0 .. n) alone, which ascend. Not with texts. */
void key_rows_choose(struct key_rows *keys, const uint32_t *at, uint32_t n);

/* Fills perm_out (n) with the rows sorted by key in cell order (`by_position`: in position order
 * first), then system_from descending, then valid_from (of an erasure: after all), then as they
 * came. CELL-1 to CELL-3. */
teg_status key_rows_sort(const struct key_rows *keys, bool by_position, uint32_t *perm_out,
                         teg_error *err);
/* The lanes that rows[0 .. n) reach over; n is not 0. */
void key_rows_bounds(const struct key_rows *keys, const uint32_t *rows, uint32_t n,
                     struct box *box_out);
/* Does row i lie in the box, as far as lanes tell? */
bool key_rows_in_box(const struct key_rows *keys, uint32_t i, const struct box *box);
/* Do row i of `a` and row k of `b` have the same key? */
bool key_rows_same(const struct key_rows *a, uint32_t i, const struct key_rows *b, uint32_t k);

/* Rows with equal lanes: which comes first, below 0: row i of `a`; 0: neither, the order that they come
 * in decides. */
int key_rows_compare(const struct key_rows *a, uint32_t i, const struct key_rows *b, uint32_t k);

/* The version that row i is. */
struct version key_rows_version(const struct key_rows *keys, uint32_t i, bool repeated);
#endif
