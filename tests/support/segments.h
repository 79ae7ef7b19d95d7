/* Segments for tests: rows made up from a seed, written to a memory os, opened and read back.
 *
 *   struct segments s;
 *   segments_init(&s, alloc, &spec);       schema, memory os
 *   rows_make_up(&rows, n, &rng, ...);
 *   segments_write(&s, &rows, &options);   -> segments/00..00
 *   segments_open(&s);                     -> s.segment
 *   segments_check_rows(&s, &rows, ...);   every stored row, every column, bit by bit
 *   segments_release(&s);
 */
#ifndef TEG_TESTS_SUPPORT_SEGMENTS_H
#define TEG_TESTS_SUPPORT_SEGMENTS_H
#include "engine/os/memory.h"
#include "engine/store/segment.h"
#include "engine/write/build.h"
#include "tests/support/rng.h"

#define SEGMENT_FILE "segments/00000000000000000000000000000000"

struct segments {
	const teg_allocator *alloc;
	struct arena arena;
	const struct schema *schema;
	struct order order;
	struct os *os;
	struct segment_result result;
	struct segment_ref ref;
	struct box box;
	struct os_file *file;
	struct segment segment;
	bool open;
};

/* Fails the test where the spec is refused. */
void segments_init(struct segments *s, const teg_allocator *alloc, const teg_spec *spec);
void segments_release(struct segments *s);
/* Writes (the file is made anew) and fills in ref: fresh rows get system time 1000, row ids from
 * 500. */
teg_status segments_write(struct segments *s, struct rows *rows,
                          const struct tiler_options *options, teg_error *err);
teg_status segments_open(struct segments *s, teg_error *err);
void segments_close(struct segments *s);
/* The file's bytes, from malloc. */
uint8_t *segments_bytes(struct segments *s, size_t *len_out);
/* Replaces the file's bytes; `ref` stays as it is. */
void segments_set_bytes(struct segments *s, const uint8_t *bytes, size_t len);

/* Called with each tile, opened. */
typedef void (*each_tile)(void *ctx, const struct tile *tile, struct tile_reader *reader);
teg_status segments_each(struct segments *s, each_tile each, void *ctx, teg_error *err);

/* Reads every column of every tile and throws it away: TEG_OK, or what the reader said. */
teg_status segments_read_all(struct segments *s, teg_error *err);
/* A hash over every value of every column of every tile. */
teg_status segments_digest(struct segments *s, uint64_t *digest_out, teg_error *err);

/* n rows of the schema whose last attribute is a uint32 that numbers the rows. Cells are distinct
 * where `distinct`; coordinates lie within `range` of the lower bound. */
void rows_make_up(struct rows *rows, uint32_t n, struct rng *rng, uint64_t range, bool distinct);
/* Every stored row is one of `rows` (by its number), and all n are there, bits equal in every
 * column; tiles follow in position order, rows in cell order, entries say what is so. */
void segments_check_rows(struct segments *s, const struct rows *rows);

/* A spec with those dimension types and an assortment of attributes, valid until the next call. */
const teg_spec *spec_of(teg_kind kind, const teg_type *dims, uint32_t n_dims, bool valid_time);
#endif
