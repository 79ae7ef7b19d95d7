/* The encoder of tiles inside: what encode.c (the tile) and encode_column.c (a column, or the tree of
 * them that a nested attribute is) share. Private to engine/write. */
#ifndef TEG_ENGINE_WRITE_ENCODER_H
#define TEG_ENGINE_WRITE_ENCODER_H
#include "codec/tile/tile.h"
#include "engine/write/cells.h"
#include "engine/write/encode.h"

#define N_WIDTHS 7 /* 1, 2, 4, 8, 16 bytes, other widths, text */

struct encoder {
	const struct schema *schema;
	const struct order *order;
	const struct poll *poll;
	bool fresh, lent;
	uint64_t off;                  /* of the next tile in its segment */
	uint32_t n_columns;            /* that a tile may have */
	struct codec_scratch *scratch; /* the encoder's own where it was not lent */
	struct cells cells;
	struct column_buf work[N_WIDTHS]; /* gathered columns, kept warm by width */
	struct column_buf nested;         /* the same for a nested attribute as a whole */
	struct arena arena;               /* of the tile at hand */
	struct tile_header header;
	struct buf header_bytes, chunks, spare;
	const teg_allocator *alloc;
};

/* The memory that flat columns of that shape and width are gathered into, empty. */
struct column_buf *encoder_work(struct encoder *e, enum column_shape shape, uint32_t width);
/* The rows' values of a flat column: where they lie, if they lie together, else gathered. */
teg_status encoder_take(struct encoder *e, const struct slice *s, const struct column_buf *from,
                        struct column *view_out);
/* Encodes a column as the next of the tile. */
teg_status encoder_put(struct encoder *e, uint32_t id, const struct column *column,
                       enum value_class class, teg_error *err);
/* Encodes a nested attribute of the rows, node by node. *n_nulls_out: of the attribute itself. */
teg_status encoder_put_nested(struct encoder *e, const struct slice *s, const struct field *attr,
                              const struct column_buf *from, struct index_entry *entry,
                              uint64_t *n_nulls_out, teg_error *err);
/* The index keeps how long the longest column is. */
void encoder_note(struct index_entry *entry, const struct column *column);
#endif
