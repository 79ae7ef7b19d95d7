/* The frame of a segment: fixed header, tiles, index pages, footer, fixed trailer.
 *
 *   0        8     10    12        16
 *   [ magic  |major|minor| required ]  tiles ...  index pages ...  [ footer ]  [ trailer, 40 bytes ]
 *
 * The reference in the catalog holds the length and the checksum of footer + trailer; the footer
 * the hash of the root index page; that the hashes of lower pages and tile headers; those the hashes
 * of pages. So every byte hangs on the reference. format-spec/segment.md, SEG-1 and on.
 */
#ifndef TEG_CODEC_TILE_SEGMENT_H
#define TEG_CODEC_TILE_SEGMENT_H
#include "codec/tile/index.h"

#define SEGMENT_HEADER_LEN 16
#define SEGMENT_TRAILER_LEN 40
#define FORMAT_MAJOR 1
#define FORMAT_MINOR 0

struct segment_footer {
	uint64_t array_id;
	uint32_t schema_version;
	uint8_t commit_id[16]; /* of the transaction or merge that wrote it: for salvage only */
	bool fresh;            /* no system_from column: the commit's time holds for every row */
	bool implicit_ids;     /* table rows appended by this commit: no row id column */
	uint32_t n_dims, n_attrs;
	uint32_t *attr_ids; /* column ids of the attributes, in the order of the statistics */
	struct {
		uint64_t off, len, checksum;
	} keys;                  /* the key index: a segment within this one; len 0: none */
	uint8_t levels;          /* of the index: 1 = the root is a leaf; 0: no tiles */
	struct index_entry root; /* of the whole segment: off, len and hash are the root page's */
};

void segment_put_header(struct buf *out);
/* TEG_CORRUPT (wrong magic), TEG_UNSUPPORTED with the version or feature bits named. */
teg_status segment_check_header(struct span bytes, teg_error *err);

/* Footer and trailer, appended; `footer_off` is where they will lie. *checksum_out: for references. */
void segment_put_footer(const struct segment_footer *footer, uint64_t footer_off, struct buf *out,
                        uint64_t *checksum_out);
/* Where the footer lies, from the last SEGMENT_TRAILER_LEN bytes of a segment of that length. */
teg_status segment_parse_trailer(struct span bytes, uint64_t segment_len, uint64_t *footer_off_out,
                                 uint32_t *footer_len_out, teg_error *err);
/* `bytes`: footer + trailer, whose checksum the caller has compared with the reference. */
teg_status segment_parse_footer(struct span bytes, uint64_t segment_len, struct arena *arena,
                                struct segment_footer *footer_out, teg_error *err);
#endif
