/* An open segment: a range of a file (a segment file, or a manifest that carries it inline), its
 * footer, and its index pages as they are needed. Immutable and shared once open.
 */
#ifndef TEG_ENGINE_STORE_SEGMENT_H
#define TEG_ENGINE_STORE_SEGMENT_H
#include "codec/tile/segment.h"
#include "engine/os/os.h"
#include "engine/schema/schema.h"

/* How the catalog refers to a segment. Everything a plan needs before the segment is opened. */
struct tile_reader;
struct segment_ref {
	uint64_t first_version, last_version; /* the commits whose rows it holds */
	uint32_t part; /* several segments of one commit and array: later call, larger part */
	bool inlined;  /* in manifest `manifest` at `off`; else file segments/<object hex> */
	uint64_t manifest;
	uint8_t object[16];
	uint64_t off, len, checksum;
	uint32_t schema_version;
	bool within; /* a key index: the file goes on behind it */
	bool fresh, implicit_ids, compacted, history;
	int64_t system_time;      /* fresh: of every row. Else 0 */
	int64_t first_row_id;     /* implicit_ids: of the first row */
	uint64_t erased_through;  /* version; erasures up to there are applied to its bytes */
	uint64_t derived_through; /* version up to which superseded_at was derived; 0: not */
	/* of the index root, system times real */
	uint64_t n_tiles, n_rows, n_live, n_tombstones, n_erased, n_inexact, n_open;
	int64_t system_from_min, system_from_max, superseded_max, valid_from_min, valid_until_max;
	int64_t superseded_min; /* history: when its first row ended. Else 0 */
	struct box *box;        /* lanes; real row ids */
};

/* "segments/<32 hex>" or "manifests/<20 digits>" into path_out. */
void segment_path(const struct segment_ref *ref, char path_out[OS_PATH_MAX]);

struct headers;
struct kept_page;
struct kept_pages;
struct index_leaf;
struct key_segment;

struct segment {
	const struct segment_ref *ref; /* the array's, outlives this */
	const struct schema *schema;   /* of the array (evolution maps by attribute id) */
	struct os *os;
	struct os_file *file; /* the file cache's */
	char path[OS_PATH_MAX];
	struct segment_footer footer;
	struct arena arena;     /* footer and index pages */
	struct index_page root; /* n == 0: no tiles */
	/* Where there are levels below the root: one per root entry, kept once a walk has loaded it. */
	struct index_leaf *_Atomic *lower;
	struct key_segment *_Atomic keys; /* the key index, once opened */
	struct headers *headers;          /* of tiles that were opened; NULL: none are kept */
	struct kept_pages *kept;          /* the store's; NULL: none are kept */
	struct os_map *map;               /* of the whole file; NULL: it is read */
	const teg_allocator *alloc;
};

/* Checks header, trailer and checksum against the reference. TEG_CORRUPT names file and offset. */
teg_status segment_open(struct segment *segment, const struct segment_ref *ref,
                        const struct schema *schema, struct os *os, struct os_file *file,
                        const teg_allocator *alloc, teg_error *err);
void segment_release(struct segment *segment); /* not the file */
/* Reads from a map of the file from now on, where one is to be had: not of a manifest, in which a
 * segment is small. */
void segment_map(struct segment *segment);
/* `len` bytes at `off` of the file where they are mapped, else NULL. */
const uint8_t *segment_mapped(const struct segment *segment, uint64_t off, uint64_t len);
/* Keeps headers of tiles from now on, up to that many bytes. TEG_NOMEM. */
teg_status segment_keep_headers(struct segment *segment, size_t len_max, teg_error *err);
/* The segment's key index, opened once and shared; NULL where it has none. */
teg_status segment_keys(struct segment *segment, struct segment **keys_out, teg_error *err);
/* The rows that may hold a value of that code (engine/schema/key.h): their ids, appended to
 * ids_out, a FIXED column of int64, in any order. */
teg_status segment_find_key(struct segment *segment, uint64_t code, struct tile_reader *reader,
                            struct column_buf *ids_out, teg_error *err);

/* All entries of the key index, or those of some codes: `want` (NULL: all) narrows the codes lo .. hi of
 * a part of the index to those that may be wanted, or says that none is; `each` gets codes, ascending,
 * and the ids of the rows that they may name. */
typedef bool (*keys_want)(void *ctx, uint64_t *lo, uint64_t *hi);
typedef teg_status (*keys_each)(void *ctx, const uint64_t *codes, const int64_t *ids, size_t n,
                                teg_error *err);
teg_status segment_walk_keys(struct segment *segment, keys_want want, keys_each each, void *ctx,
                             struct tile_reader *reader, teg_error *err);

/* Visits the tiles whose index entries pass `keep` (asked for upper pages as well, to skip them
 * whole), in order. Entries come with real system times and row ids filled in. `keep` and `each`
 * may be NULL; `each` returns a status other than TEG_OK to stop. Counters may be NULL. */
struct index_counters {
	uint64_t pages_read, pages_pruned;
	uint64_t reads, read_bytes; /* of pages that were not in memory */
};
typedef bool (*index_keep)(void *ctx, const struct index_entry *entry, bool leaf);
typedef teg_status (*index_each)(void *ctx, const struct index_entry *entry, uint64_t tile_number);
teg_status segment_walk(struct segment *segment, index_keep keep, index_each each, void *ctx,
                        struct index_counters *counters, teg_error *err);

/* ---- one tile of it, opened for reading columns ---- */
struct tile {
	const struct segment *segment;
	struct index_entry entry; /* stats point into the segment's arena */
	struct tile_header header;
	struct arena arena;
	uint32_t *
		cells; /* DENSE with a presence column: the cell of each row; loaded when asked for */
};
teg_status tile_open(struct tile *tile, const struct segment *segment,
                     const struct index_entry *entry, const teg_allocator *alloc, teg_error *err);
void tile_release(struct tile *tile);

/* Reads and decodes columns page by page; one thread at a time; buffers are reused. */
struct tile_reader {
	struct codec_scratch *scratch;
	struct buf stored; /* bytes as read */
	struct buf picked; /* a dictionary page of which few values are wanted */
	struct column_buf dictionary;
	struct column_buf work; /* whole blocks on the way to a gather */
	struct kept_page *held; /* the page at hand, where it was kept, and its column's */
	struct kept_page *held_dictionary;
	uint64_t reads, read_bytes; /* counters */
	const teg_allocator *alloc;
	size_t max_value_len;
};
teg_status tile_reader_init(struct tile_reader *reader, const teg_allocator *alloc, teg_error *err);
void tile_reader_release(struct tile_reader *reader);
void tile_reader_let_go(struct tile_reader *reader); /* of pages that are kept */

/* Appends rows [from, from + n) of a column to `out` (shape and width of the field). A column that
 * the tile does not have gives the default: nulls for an attribute, else see codec/tile/tile.h; row
 * ids and the coordinates of dense tiles are computed. System times are real, and
 * TEG_TIME_OF_COMMIT is replaced. Works for every column id, field or engine's own. */
teg_status tile_read_column(struct tile_reader *reader, const struct tile *tile, uint32_t column_id,
                            uint32_t from, uint32_t n, struct column_buf *out, teg_error *err);
/* In a column whose values ascend in this tile (the leading dimension, where it is stored, or the
 * only one of a dense tile; row ids that are left out): the rows whose lanes lie in lo .. hi are
 * first_out .. end_out, without the end; end_out may lie below first_out. Reads and decodes little
 * more than the places where they begin and end. */
teg_status tile_search_column(struct tile_reader *reader, const struct tile *tile,
                              const struct field *field, uint64_t lo, uint64_t hi,
                              uint32_t *first_out, uint32_t *end_out, teg_error *err);
/* Appends rows at[0 .. n) (ascending) and reads only the pages that hold them. */
teg_status tile_gather_column(struct tile_reader *reader, const struct tile *tile,
                              uint32_t column_id, const uint32_t *at, uint32_t n,
                              struct column_buf *out, teg_error *err);
#endif
