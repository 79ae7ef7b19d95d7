/* The tile index of a segment while it is written: one page being filled per level.
 *
 * A page goes out when one more entry would not fit, and becomes an entry of the level above; so
 * memory is bounded by the fan-out, and the page at the top when all is done is the root. Private to
 * engine/write. */
#ifndef TEG_ENGINE_WRITE_LEVELS_H
#define TEG_ENGINE_WRITE_LEVELS_H
#include "engine/write/tiler.h"

struct level {
	struct index_entry *entries;
	struct column_stats *stats; /* n_attrs per entry */
	uint32_t n, cap;
};

struct levels {
	uint32_t n_dims, n_attrs;
	struct level level[INDEX_LEVELS_MAX];
	struct buf page;
	struct segment_sink *sink;
	const teg_allocator *alloc;
};

void levels_init(struct levels *levels, uint32_t n_dims, uint32_t n_attrs,
                 struct segment_sink *sink, const teg_allocator *alloc);
void levels_release(struct levels *levels);
/* A tile's entry; its statistics are copied. TEG_LIMIT above four levels. */
teg_status levels_add(struct levels *levels, const struct index_entry *tile, teg_error *err);
/* Writes what is left. *levels_out: of the index, 0 without tiles. root_out: stats has room for
 * n_attrs. */
teg_status levels_finish(struct levels *levels, uint8_t *levels_out, struct index_entry *root_out,
                         teg_error *err);
#endif
