/* A chunk: one column of one tile, encoded. format-spec/encodings.md, CHUNK-1 and on.
 *
 * The writer picks one encoding for the chunk, by exact cost, and cuts the values into pages: runs
 * of whole 1024-value blocks (fewer values only at the end, or where BYTES values are large), at
 * most 32 KiB stored unless one value alone is larger. A page is the unit of read and verify: its
 * XXH3-64 over the stored bytes is in the descriptor and is checked before anything else, and
 * where zstd is used the page is one frame. Every page decodes on its own, given the descriptor
 * and, for DICTIONARY, the dictionary page.
 *
 *   chunk bytes     [dictionary page] [page 0] [page 1] ...
 *   page payload    [validity section] [encoded values]          (before zstd)
 *   descriptor      encoding, shape, width, counts, constant, page table: kept in the tile header
 *
 * The same input and options give the same bytes.
 */
#ifndef TEG_CODEC_COLUMN_CHUNK_H
#define TEG_CODEC_COLUMN_CHUNK_H
#include "codec/base/arena.h"
#include "codec/base/buf.h"
#include "codec/column/column.h"
#include "codec/column/lane.h"

#define BLOCK_VALUES 1024
#define CHUNK_ALIGN 64
#define PAGE_STORED_MAX (32u << 10) /* bytes; a page of one value may be larger */

enum encoding {
	ENCODING_RAW = 0,        /* the values as they are, little-endian; BYTES: lengths + bytes */
	ENCODING_CONSTANT = 1,   /* one value, or all null: no pages */
	ENCODING_FOR = 2,        /* frame of reference, bit-packed */
	ENCODING_DELTA = 3,      /* differences of neighbours, then FOR */
	ENCODING_PATCHED = 4,    /* FOR whose base is the mode, with exceptions */
	ENCODING_RUNS = 5,       /* run values and run lengths */
	ENCODING_DICTIONARY = 6, /* sorted values once, codes FOR-packed */
	ENCODING_ALP = 7 /* floats that were decimals, as FOR-packed integers + exceptions */
};

enum profile {
	PROFILE_BALANCED = 0, /* zstd where it saves at least a seventh */
	PROFILE_FAST,         /* never zstd, but for BYTES that nothing else shrinks */
	PROFILE_DENSE         /* zstd where it saves anything */
};

struct chunk_page {
	uint32_t first, n;   /* values of the chunk */
	uint64_t off;        /* of the stored bytes, from the start of the chunk */
	uint32_t stored_len; /* bytes */
	uint32_t raw_len;    /* bytes before zstd; == stored_len without */
	uint64_t hash;       /* XXH3-64 of the stored bytes */
};

struct chunk {
	enum encoding encoding;
	enum column_shape shape;
	uint32_t width;
	enum value_class class;
	bool zstd;             /* every page is a zstd frame */
	bool zstd_dictionary;  /* the dictionary page is one */
	bool planes;           /* RAW numbers, as byte planes; only with zstd */
	bool has_nulls;        /* pages carry a validity section */
	bool all_null;         /* ENCODING_CONSTANT without a value */
	bool nested;           /* of a node below an attribute: not one value a row */
	bool vectors;          /* RAW, pages cut between runs of values that are read together */
	uint8_t pad;           /* vectors: zero bytes before the first page */
	uint32_t n;            /* values */
	uint64_t len;          /* bytes of the chunk */
	struct span constant;  /* ENCODING_CONSTANT: the value */
	uint32_t n_dictionary; /* values in the dictionary page; 0: none */
	struct chunk_page dictionary;
	uint32_t n_pages;
	const struct chunk_page *pages;
};

/* Reused from chunk to chunk, so that encoding and decoding allocate nothing once warm. Holds the
 * zstd contexts. One thread at a time. */
struct codec_scratch;
struct codec_scratch *codec_scratch_new(const teg_allocator *alloc);
void codec_scratch_free(struct codec_scratch *scratch);

/* Appends the chunk of `c` (at most 2^24 values) to `out` and describes it in *chunk_out, whose
 * arrays live in `arena`. TEG_NOMEM or TEG_LIMIT, or TEG_MISUSE where class, shape and width do not
 * go together (COL-2); `out` keeps its length then. */
teg_status chunk_encode(const struct column *c, enum value_class class, enum profile profile,
                        struct codec_scratch *scratch, struct arena *arena, struct buf *out,
                        struct chunk *chunk_out, teg_error *err);

/* The same for vectors: runs of `each` FIXED values without nulls that are read as a whole. RAW and
 * uncompressed, a multiple of CHUNK_ALIGN from the start of `out`, no page with parts of two vectors:
 * what is read needs no decoding and may be mapped. c->n is a multiple of `each` and not 0. */
teg_status chunk_encode_vectors(const struct column *c, enum value_class class, size_t each,
                                struct arena *arena, struct buf *out, struct chunk *chunk_out,
                                teg_error *err);

/* The descriptor's bytes, and back. Parsing checks everything that can be checked without the
 * pages: known encoding, page table in order and without gaps or overlap, counts that add up,
 * lengths within `chunk_len_max`. TEG_CORRUPT, or TEG_UNSUPPORTED for an unknown encoding. */
void chunk_put_descriptor(const struct chunk *chunk, struct buf *out);
teg_status chunk_parse_descriptor(struct span bytes, uint64_t chunk_len_max, struct arena *arena,
                                  struct chunk *chunk_out, teg_error *err);

/* Verifies the dictionary page, and nothing else. */
teg_status chunk_verify_dictionary(const struct chunk *chunk, struct span stored, teg_error *err);

/* Verifies and decodes the dictionary page into `values_out` (cleared first). */
teg_status chunk_decode_dictionary(const struct chunk *chunk, struct span stored,
                                   struct codec_scratch *scratch, struct column_buf *values_out,
                                   teg_error *err);

/* The same without looking whether they ascend: for a read of some rows, which needs no order. */
teg_status chunk_decode_dictionary_values(const struct chunk *chunk, struct span stored,
                                          struct codec_scratch *scratch,
                                          struct column_buf *values_out, teg_error *err);

/* Whether a page's stored bytes are its values just as a column holds them. */
bool chunk_is_plain(const struct chunk *chunk);
/* Verifies page `page` of such a chunk, and nothing else: its length, its checksum. */
teg_status chunk_verify_plain(const struct chunk *chunk, uint32_t page, struct span stored,
                              teg_error *err);

/* The page that holds value i < chunk->n. Not for ENCODING_CONSTANT. */
uint32_t chunk_page_of(const struct chunk *chunk, uint32_t i);

/* Verifies page `page` (its stored bytes) and appends values [from, from + n) of the page to
 * `out`; only the 1024-blocks that hold them are unpacked. `dictionary` is the decoded dictionary
 * (NULL where there is none). TEG_CORRUPT: checksum, or bytes that no writer makes (codes outside
 * the dictionary, widths above 64, counts or lengths that do not add up, bytes left over). */
teg_status chunk_decode_page(const struct chunk *chunk, const struct column_buf *dictionary,
                             uint32_t page, struct span stored, uint32_t from, uint32_t n,
                             struct codec_scratch *scratch, struct column_buf *out, teg_error *err);

/* Appends n values of a CONSTANT chunk. */
teg_status chunk_decode_constant(const struct chunk *chunk, size_t n, struct column_buf *out);

/* Of a column that ascends and has no nulls: verifies page `page` and counts its values whose lane is
 * below `lane`, or not above it where `after`. Decodes no more than one block of it. Values that do
 * not ascend give some count. Not for VALUE_WIDE and VALUE_OPAQUE. */
teg_status chunk_search_page(const struct chunk *chunk, const struct column_buf *dictionary,
                             uint32_t page, struct span stored, uint64_t lane, bool after,
                             struct codec_scratch *scratch, uint32_t *n_out, teg_error *err);

/* As chunk_decode_page without the checksum: for a page whose stored bytes were verified already
 * in this process and did not leave it. */
teg_status chunk_decode_verified(const struct chunk *chunk, const struct column_buf *dictionary,
                                 uint32_t page, struct span stored, uint32_t from, uint32_t n,
                                 struct codec_scratch *scratch, struct column_buf *out,
                                 teg_error *err);

/* As chunk_decode_verified, for a page that a call has decoded from these very bytes before, be it
 * in part: what that call checked over the whole page is not checked again. Safe with other bytes,
 * but the values then mean nothing. */
teg_status chunk_decode_again(const struct chunk *chunk, const struct column_buf *dictionary,
                              uint32_t page, struct span stored, uint32_t from, uint32_t n,
                              struct codec_scratch *scratch, struct column_buf *out,
                              teg_error *err);

/* ---- pages that are kept, and rows here and there ---- */

/* What a page is decoded from: its bytes as stored, which are verified, or those that chunk_opened
 * gave; with the dictionary, decoded or, for a few values, as its verified page before zstd, of which no more
 * than they need is decoded. */
struct page_bytes {
	struct span bytes;
	bool opened;
	const struct column_buf *dictionary; /* NULL where there is none, or `picked` */
	struct span picked;
};

/* The bytes before zstd of a page, or of the dictionary page (&chunk->dictionary), that a call on
 * `stored` with this scratch has just verified and decoded; .at NULL: they are not there any more. */
struct span chunk_opened(const struct chunk *chunk, const struct chunk_page *page,
                         struct span stored, const struct codec_scratch *scratch);

/* As chunk_decode_dictionary, without its look at the order unless asked for, from such bytes. */
teg_status chunk_decode_dictionary_opened(const struct chunk *chunk, struct span opened,
                                          bool check_order, struct column_buf *values_out,
                                          teg_error *err);
/* As chunk_decode_page. */
teg_status chunk_decode_from(const struct chunk *chunk, uint32_t page,
                             const struct page_bytes *source, uint32_t from, uint32_t n,
                             struct codec_scratch *scratch, struct column_buf *out, teg_error *err);
/* As chunk_search_page. */
teg_status chunk_search_from(const struct chunk *chunk, uint32_t page,
                             const struct page_bytes *source, uint64_t lane, bool after,
                             struct codec_scratch *scratch, uint32_t *n_out, teg_error *err);

/* Whether values of a page are had without those between them. Not of text outside a dictionary: where
 * a value lies is the sum of the lengths before it. */
bool chunk_has_rows(const struct chunk *chunk);
/* Appends the values at[0 .. n) of such a chunk, ascending and all of them in the page. */
teg_status chunk_take_rows(const struct chunk *chunk, uint32_t page,
                           const struct page_bytes *source, const uint32_t *at, uint32_t n,
                           struct codec_scratch *scratch, struct column_buf *out, teg_error *err);
/* Whether `picked` will do. */
bool chunk_can_pick(const struct chunk *chunk);
#endif
