/* A tile: the unit of encoding. Up to 64 Ki cells, one chunk per column, a header that says where.
 * format-spec/tile.md, TILE-1 and on.
 *
 *   [ header: msgpack ][ chunk of column 0 ][ chunk of column 1 ] ...
 *
 *   SPARSE   coordinates are columns; one slot per row in every column
 *   DENSE    coordinates are implied by the tile's box, in cell order; a presence column says which
 *            cells have a row (absent: all), every other column has one slot per row
 *   BOX      one answer for every cell of a box of any size: every column is one constant
 *
 * Rows are sorted by key in cell order, then system_from descending, then valid_from ascending.
 * Dimension columns of fresh table segments are left out: the row id is the segment's first id plus
 * the row's ordinal in the segment (the index entry's first lane, as a number from 0). Time and kind
 * columns are left out where they have their default: system_from = the commit's, valid_from and
 * valid_until open, kind live, superseded_at open, exact 1.
 */
#ifndef TEG_CODEC_TILE_TILE_H
#define TEG_CODEC_TILE_TILE_H
#include "codec/column/chunk.h"

#define TILE_CELLS_MAX (1u << 16)
#define TILE_COLUMN_MAX (4u << 20)  /* bytes of a column at which a writer cuts a tile */
#define TILE_HEADER_MAX (16u << 20) /* bytes */
#define TILE_DIMS_MAX 16
#define TILE_VOLUME_MAX (1u << 20) /* cells of a DENSE tile's box: bounds its presence column */
#define TILE_PRESENCE_ID 0xf006u   /* of the presence column */

enum tile_shape { TILE_SPARSE = 0, TILE_DENSE = 1, TILE_BOX = 2 };

struct tile_column {
	uint32_t id;  /* column id, see format-spec/tile.md */
	uint64_t off; /* of the chunk, from the end of the header */
	struct chunk chunk;
};

struct tile_header {
	enum tile_shape shape;
	uint32_t n_rows; /* slots of every column but presence; BOX: 1 */
	uint32_t n_dims; /* of the bounds; 0 for SPARSE */
	uint64_t lo[TILE_DIMS_MAX], hi[TILE_DIMS_MAX]; /* DENSE, BOX: lanes, inclusive */
	uint32_t n_columns;
	struct tile_column *columns; /* ascending id, chunks in the same order without gaps */
	/* Only for writing. With vectors the header ends at a multiple of CHUNK_ALIGN, `off` being where
	 * it begins in the segment. */
	bool has_vectors;
	uint64_t off;
};

void tile_put_header(const struct tile_header *header, struct buf *out);
/* `chunks_len`: bytes of the tile after the header. TEG_CORRUPT, TEG_UNSUPPORTED, TEG_NOMEM. */
teg_status tile_parse_header(struct span bytes, uint64_t chunks_len, struct arena *arena,
                             struct tile_header *header_out, teg_error *err);
/* NULL: the tile has no such column. */
const struct tile_column *tile_find_column(const struct tile_header *header, uint32_t id);
/* Cells of a DENSE or BOX tile's box; UINT64_MAX where that overflows. */
uint64_t tile_volume(const struct tile_header *header);
#endif
