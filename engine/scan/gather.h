/* Columns of selected rows, wherever they lie: straight out of one tile, or out of several tiles and
 * then into the order of the selection. Bound once per slice, used for every column. */
#ifndef TEG_ENGINE_SCAN_GATHER_H
#define TEG_ENGINE_SCAN_GATHER_H
#include "engine/store/segment.h"

struct selection;
struct gather;

struct gather *gather_new(const teg_allocator *alloc); /* NULL: no memory */
void gather_free(struct gather *gather);

/* As sweep_bind. */
teg_status gather_bind(struct gather *gather, const struct selection *selection,
                       const uint32_t *keep, uint32_t from, uint32_t n, teg_error *err);
void gather_shed(struct gather *gather); /* gives its memory back; nothing is bound then */
/* The index into the selection of bound row i. */
uint32_t gather_index(const struct gather *gather, uint32_t i);
/* Appends the bound rows of a stored column. */
teg_status gather_column(struct gather *gather, struct tile_reader *reader, uint32_t column_id,
                         struct column_buf *out, teg_error *err);
#endif
