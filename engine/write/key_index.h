/* The key index of a segment: which of its rows hold a value of the array's key attribute.
 * format-spec/segment.md, FIND-1 to FIND-6.
 *
 *   entry    code of the value -> row        sorted by code, then as the rows lie
 *
 * Codes are engine/schema/key.h's: an index may name too many rows, never too few. A row is named by
 * its id, or by its place in a segment that leaves ids out.
 *
 * The entries are a segment of their own, of a sparse array (code) -> row, within the bytes of the
 * segment that they serve: one format, one reader, one check.
 *
 *   [ header | tiles | index pages | key index: [ header | tiles | ... | trailer ] | footer | trailer ]
 */
#ifndef TEG_ENGINE_WRITE_KEY_INDEX_H
#define TEG_ENGINE_WRITE_KEY_INDEX_H
#include "engine/write/encode.h"
#include "engine/write/tiler.h"

struct key_index;
/* Of a segment of `schema`, which has a key, that goes to `sink`. */
teg_status key_index_new(const struct schema *schema, struct segment_sink *sink,
                         const teg_allocator *alloc, struct key_index **index_out, teg_error *err);
void key_index_free(struct key_index *index);
/* The rows of a tile; `ordinal`: of the first of them. */
teg_status key_index_add(struct key_index *index, const struct slice *slice, uint64_t ordinal,
                         teg_error *err);
/* Writes the entries behind what the sink has. Nothing where there are none: footer->keys is 0 long
 * then. */
teg_status key_index_finish(struct key_index *index, const struct tiler_options *options,
                            struct segment_footer *footer, teg_error *err);
#endif
