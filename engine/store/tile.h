/* What the files that read tiles share; readers use engine/store/segment.h. */
#ifndef TEG_ENGINE_STORE_TILE_H
#define TEG_ENGINE_STORE_TILE_H
#include "engine/store/segment.h"

/* Appends rows [from, from + n) of a stored column, page by page. */
teg_status tile_read_stored(struct tile_reader *reader, const struct tile *tile,
                            const struct tile_column *column, uint32_t from, uint32_t n,
                            struct column_buf *out, teg_error *err);
/* Appends what a column that is not stored reads as: rows at[0 .. n), or from `from` where NULL. */
teg_status tile_default_column(struct tile_reader *reader, struct tile *tile, uint32_t column_id,
                               const uint32_t *at, uint32_t from, uint32_t n,
                               struct column_buf *out, teg_error *err);
/* Whether the column was written before its attribute was widened to the type that `out` has. */
bool tile_is_narrower(const struct tile *tile, const struct tile_column *column,
                      const struct column_buf *out);
/* Appends those values, as the numbers of the wider type that they are. */
teg_status tile_append_wider(const struct tile *tile, const struct tile_column *column,
                             const struct column_buf *narrow, struct column_buf *out,
                             teg_error *err);
#endif
