/* A run of rows -> the bytes of one tile and its index entry. Private to engine/write.
 *
 * The rows come in position order and leave in cell order. Sparse or dense is decided by what the
 * coordinates cost: the columns beside them are the same either way.
 *
 *   rows[at] ──lanes──> sort in cell order ──> columns, one by one, gathered and encoded
 */
#ifndef TEG_ENGINE_WRITE_ENCODE_H
#define TEG_ENGINE_WRITE_ENCODE_H
#include "codec/base/poll.h"
#include "codec/tile/index.h"
#include "engine/order/order.h"
#include "engine/write/rows.h"

/* Rows at[from .. from + n) of `rows`; at NULL: the rows from .. from + n themselves. */
struct slice {
	const struct rows *rows;
	const uint32_t *at;
	uint32_t from, n;
};

static inline uint32_t slice_row(const struct slice *s, uint32_t i)
{
	return s->at ? s->at[s->from + i] : s->from + i;
}

struct encoder;
struct tiler_options;
struct encoder *encoder_new(const struct schema *schema, const struct order *order,
                            const struct tiler_options *options, const teg_allocator *alloc);
void encoder_free(struct encoder *encoder);

/* Encodes 1 to TILE_CELLS_MAX rows. `ordinal`: of the first row, for implicit ids. The bytes are
 * encoder_header() and encoder_chunks() until the next call; off of the entry is 0. */
teg_status encode_tile(struct encoder *encoder, const struct slice *slice, uint64_t ordinal,
                       struct index_entry *entry_out, teg_error *err);
/* Where in its segment the next tile will lie: 0 until told. */
void encoder_place(struct encoder *encoder, uint64_t off);
/* A box tile. */
teg_status encode_box(struct encoder *encoder, const struct box *box, enum row_kind kind,
                      int64_t system_from, int64_t valid_from, int64_t valid_until,
                      struct index_entry *entry_out, teg_error *err);
/* Gives back the memory of a large tile's bytes, which are gone then. */
void encoder_shed(struct encoder *encoder);
struct span encoder_header(const struct encoder *encoder);
struct span encoder_chunks(const struct encoder *encoder);

/* Lanes of dimension d of a slice into lanes_out. TEG_NOMEM. */
teg_status encoder_lanes(struct encoder *encoder, const struct slice *slice, uint32_t d,
                         uint64_t *lanes_out);
#endif
