/* The tile index of a segment: what can be known of a tile without reading it.
 *
 * A page holds up to INDEX_FANOUT entries in fixed-layout columns (all first offsets, then all
 * lengths, ...), so that a page is read, verified and used without unpacking. Where one page is not
 * enough, an upper page has one entry per lower page: the same layout, bounds widened over the
 * page's tiles, counts summed. So a million tiles are pruned page by page, and there is one reader
 * for both. format-spec/segment.md, INDEX-1 and on.
 *
 *   root page ── entry ── leaf page ── entry ── tile
 *
 * Statistics prune; they never answer alone unless exact. Absent is not zero and not empty.
 */
#ifndef TEG_CODEC_TILE_INDEX_H
#define TEG_CODEC_TILE_INDEX_H
#include "codec/column/lane.h"
#include "codec/tile/tile.h"

#define INDEX_FANOUT 256
#define INDEX_FANOUT_WIDE 16       /* at the least, however many attributes there are */
#define INDEX_STATS_MAX (1u << 16) /* of a page, above INDEX_FANOUT_WIDE entries */
#define INDEX_LEVELS_MAX 4

struct index_entry {
	uint64_t off, len;   /* of the tile or lower page, from the start of the segment */
	uint32_t header_len; /* of the tile's header; 0 for a page */
	uint64_t hash;       /* XXH3-64 of the tile's header bytes, or of the lower page */
	uint8_t shape;       /* enum tile_shape; a page: 0 */
	bool continued;      /* the first key goes on from the tile before */
	uint64_t n_tiles;    /* below this entry; 1 for a tile */
	uint64_t n_rows, n_live, n_tombstones, n_erased; /* BOX: one row of its kind */
	uint64_t column_len_max; /* decoded bytes of the largest column of any tile below */
	int64_t system_from_min, system_from_max; /* fresh: 0, replaced by the commit's time */
	int64_t superseded_max;                   /* INT64_MAX: open, or not derived yet */
	int64_t valid_from_min;                   /* TEG_TIME_OF_COMMIT counts as INT64_MIN + 1 */
	int64_t valid_until_max;                  /* of the finite ones; INT64_MIN: none */
	uint64_t n_open;                          /* rows whose valid_until is open */
	uint64_t n_inexact;                       /* rows that are not one rectangle in S x V */
	/* lanes[d]: the box, and the first and last cell in the array's order */
	uint64_t lo[TILE_DIMS_MAX], hi[TILE_DIMS_MAX];
	uint64_t first[TILE_DIMS_MAX], last[TILE_DIMS_MAX];
	struct column_stats *stats; /* one per attribute of the segment, live rows only */
};

struct index_page {
	uint32_t n, n_dims, n_attrs;
	bool leaf;
	struct index_entry *entries;
};

/* The most entries of one page: fewer where there are many attributes, so that a page of few bytes
 * cannot ask for much memory. */
static inline uint32_t index_fanout(uint32_t n_attrs)
{
	uint32_t n = INDEX_STATS_MAX / (n_attrs ? n_attrs : 1);

	return n > INDEX_FANOUT ? INDEX_FANOUT : n < INDEX_FANOUT_WIDE ? INDEX_FANOUT_WIDE : n;
}

/* Appends the page's bytes. Canonical: the same entries give the same bytes. */
void index_put_page(const struct index_page *page, struct buf *out);
/* `segment_len` bounds offsets. TEG_CORRUPT for anything a writer does not make. The hash is the
 * caller's to check first. Entries live in `arena`. */
teg_status index_parse_page(struct span bytes, uint64_t segment_len, uint32_t n_dims,
                            uint32_t n_attrs, struct arena *arena, struct index_page *page_out,
                            teg_error *err);
/* Widens `sum` (n_tiles 0: empty) by `entry`; `sum->stats` has room for n_attrs. The last cell is
 * `entry`'s, the first stays. */
void index_widen(struct index_entry *sum, const struct index_entry *entry, uint32_t n_dims,
                 uint32_t n_attrs);
#endif
