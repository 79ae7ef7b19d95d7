/* Tile headers of a segment that were read, verified and parsed before: the next read of the tile
 * goes straight to its pages. They never change, so they are kept until the segment is closed, as
 * long as there is room, and shared between threads without a lock.
 */
#ifndef TEG_ENGINE_STORE_HEADERS_H
#define TEG_ENGINE_STORE_HEADERS_H
#include "codec/base/arena.h"
#include "codec/tile/tile.h"

#define HEADERS_KEPT ((size_t)1 << 20) /* bytes for all segments of an array */

struct headers;

/* Room for the headers of that many tiles, or for `len_max` bytes of those that are read first. NULL: no
 * memory. */
struct headers *headers_new(uint64_t n_tiles, size_t len_max, const teg_allocator *alloc);
void headers_free(struct headers *headers);

/* The header of the tile at `off` of the segment; what it points to lives as long as the segment.
 * Finds none in NULL, in which none are kept. */
bool headers_find(struct headers *headers, uint64_t off, struct tile_header *header_out);
/* Takes over the arena in which the header lives and leaves an empty one, where there is room.
 * TEG_NOMEM; the arena is the caller's then. */
teg_status headers_keep(struct headers *headers, uint64_t off, const struct tile_header *header,
                        struct arena *arena);
#endif
