/* What the files that read tiles share; readers use engine/store/segment.h. */
#ifndef TEG_ENGINE_STORE_TILE_H
#define TEG_ENGINE_STORE_TILE_H
#include "engine/store/segment.h"

/* Appends rows [from, from + n) of a stored column, page by page. */
teg_status tile_read_stored(struct tile_reader *reader, const struct tile *tile,
                            const struct tile_column *column, uint32_t from, uint32_t n,
                            struct column_buf *out, teg_error *err);
/* Values [from, from + n) of a column. */
struct tile_run {
	uint32_t from, n;
};
/* Appends the values of runs, which ascend and do not meet, of a stored column. TEG_CORRUPT where one
 * ends behind the column. */
teg_status tile_read_runs(struct tile_reader *reader, const struct tile *tile,
                          const struct tile_column *column, const struct tile_run *runs,
                          uint32_t n_runs, struct column_buf *out, teg_error *err);
/* Appends rows at[0 .. n), or from `from` on where NULL, of a nested attribute that is stored; `out`
 * is as before after an error. engine/store/tile_nested.c */
teg_status tile_read_nested(struct tile_reader *reader, const struct tile *tile, uint32_t column_id,
                            const uint32_t *at, uint32_t from, uint32_t n, struct column_buf *out,
                            teg_error *err);
/* Says where in the file: fills in what of file, column and offset is not there yet. */
teg_status tile_blame(const struct tile *tile, const struct tile_column *column, uint64_t chunk_off,
                      teg_status status, teg_error *err);
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
