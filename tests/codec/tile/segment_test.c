#include "codec/tile/segment.h"
#include <criterion/criterion.h>
#include "codec/base/hash.h"

#define FOOTER_OFF 5000

/* ---- header ---- */

static const struct {
	const char *why;
	size_t len, at;
	uint8_t byte;
	teg_status status;
	const char *says;
} headers[] = {
	{ "as written", 16, 0, 'T', TEG_OK, NULL },
	{ "a newer minor version", 16, 10, 9, TEG_OK, NULL },
	{ "cut off", 15, 0, 'T', TEG_CORRUPT, "too few" },
	{ "nothing", 0, 0, 'T', TEG_CORRUPT, "too few" },
	{ "wrong magic", 16, 7, 'x', TEG_CORRUPT, "magic" },
	{ "version 0", 16, 8, 0, TEG_UNSUPPORTED, "0.0" },
	{ "version 2", 16, 8, 2, TEG_UNSUPPORTED, "2.0" },
	{ "version 3", 16, 8, 3, TEG_UNSUPPORTED, "3.0" },
	{ "version 257", 16, 9, 1, TEG_UNSUPPORTED, "257.0" },
	{ "an unknown feature", 16, 15, 0x80, TEG_UNSUPPORTED, "0x80000000" },
};

Test(segment, headers_are_checked) /* NE1 SEG-1 SEG-2 SEG-3 */
{
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		struct buf bytes;
		teg_error err = { 0 };

		buf_init(&bytes, teg_allocator_default(), 64);
		segment_put_header(&bytes);
		cr_assert_eq(bytes.len, SEGMENT_HEADER_LEN);
		bytes.at[headers[i].at] = headers[i].byte;
		cr_assert_eq(segment_check_header(span_of(bytes.at, headers[i].len), &err),
		             headers[i].status, "%s", headers[i].why);
		if (headers[i].says)
			cr_assert_not_null(strstr(err.message, headers[i].says), "%s: %s",
			                   headers[i].why, err.message);
		buf_release(&bytes);
	}
}

/* ---- footer and trailer ---- */

struct made {
	uint32_t ids[2];
	struct column_stats stats[2];
	struct segment_footer footer;
	struct buf bytes;
	uint64_t checksum, len;
	struct arena arena;
};

static void made_init(struct made *m, uint8_t levels)
{
	memset(m, 0, sizeof *m);
	m->ids[0] = 0x100;
	m->ids[1] = 0x107;
	m->stats[0] = (struct column_stats){ 1, 9, 0, 0, true, true };
	m->footer = (struct segment_footer){ .array_id = 77,
		                             .schema_version = 3,
		                             .commit_id = { 1, 2, 3, [15] = 15 },
		                             .fresh = true,
		                             .n_dims = 2,
		                             .n_attrs = 2,
		                             .attr_ids = m->ids,
		                             .levels = levels };
	m->footer.root = (struct index_entry){ .off = 4000,
		                               .len = 900,
		                               .hash = 5,
		                               .n_tiles = 4,
		                               .n_rows = 10,
		                               .n_live = 10,
		                               .stats = m->stats };
	buf_init(&m->bytes, teg_allocator_default(), BUF_NO_LIMIT);
	arena_init(&m->arena, teg_allocator_default(), SIZE_MAX);
	segment_put_footer(&m->footer, FOOTER_OFF, &m->bytes, &m->checksum);
	m->len = FOOTER_OFF + m->bytes.len;
}

static void made_release(struct made *m)
{
	buf_release(&m->bytes);
	arena_release(&m->arena);
}

static struct span trailer(const struct made *m)
{
	return span_of(m->bytes.at + m->bytes.len - SEGMENT_TRAILER_LEN, SEGMENT_TRAILER_LEN);
}

Test(segment, footers_come_back) /* SEG-4 SEG-5 SEG-7 SEG-8 */
{
	for (uint8_t levels = 0; levels <= INDEX_LEVELS_MAX; levels += 2) {
		struct made m;
		struct segment_footer out;
		uint64_t off;
		uint32_t len;

		made_init(&m, levels);
		cr_assert_eq(segment_parse_trailer(trailer(&m), m.len, &off, &len, NULL), TEG_OK);
		cr_assert_eq(off, FOOTER_OFF);
		cr_assert_eq(len, m.bytes.len - SEGMENT_TRAILER_LEN);
		cr_assert_eq(m.checksum, hash_bytes(buf_span(&m.bytes)));
		cr_assert_eq(segment_parse_footer(buf_span(&m.bytes), m.len, &m.arena, &out, NULL),
		             TEG_OK);
		cr_assert(out.array_id == 77 && out.schema_version == 3 && out.fresh);
		cr_assert(!out.implicit_ids && out.n_dims == 2 && out.n_attrs == 2);
		cr_assert_arr_eq(out.commit_id, m.footer.commit_id, 16);
		cr_assert(out.attr_ids[0] == 0x100 && out.attr_ids[1] == 0x107);
		cr_assert_eq(out.levels, levels);
		if (levels) {
			cr_assert(out.root.off == 4000 && out.root.hash == 5);
			cr_assert(out.root.n_tiles == 4 && out.root.stats[0].max == 9);
		}
		made_release(&m);
	}
}

Test(segment, trailers_are_checked) /* NE1 X18 SEG-6 */
{
	struct made m;
	uint64_t off;
	uint32_t len;

	made_init(&m, 1);
	for (size_t byte = 0; byte < SEGMENT_TRAILER_LEN; byte++) {
		uint8_t *at = m.bytes.at + m.bytes.len - SEGMENT_TRAILER_LEN + byte;

		*at ^= 0xff;
		if (byte < 24 || byte >= 32) /* the hash itself is checked with the footer */
			cr_assert_eq(segment_parse_trailer(trailer(&m), m.len, &off, &len, NULL),
			             TEG_CORRUPT, "byte %zu", byte);
		*at ^= 0xff;
	}
	cr_assert_eq(segment_parse_trailer(trailer(&m), m.len + 1, &off, &len, NULL), TEG_CORRUPT);
	cr_assert_eq(segment_parse_trailer(span_of(m.bytes.at, 39), m.len, &off, &len, NULL),
	             TEG_CORRUPT);
	made_release(&m);
}

Test(segment, a_footer_at_the_edge_of_numbers_is_refused) /* X18 */
{
	static const uint64_t offsets[] = { 0, 15, UINT64_MAX, UINT64_MAX - 39, 1u << 30 };

	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
		struct made m;
		uint64_t off;
		uint32_t len;

		made_init(&m, 1);
		store_u64(m.bytes.at + m.bytes.len - SEGMENT_TRAILER_LEN, offsets[i]);
		cr_assert_eq(segment_parse_trailer(trailer(&m), m.len, &off, &len, NULL),
		             TEG_CORRUPT);
		made_release(&m);
	}
}

Test(segment, every_flip_and_cut_of_footer_and_trailer_is_found) /* NE1 SEG-6 */
{
	struct made m;
	struct segment_footer out;

	made_init(&m, 1);
	for (size_t bit = 0; bit < 8 * (m.bytes.len - 8); bit++) { /* the magic: see above */
		m.bytes.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_eq(segment_parse_footer(buf_span(&m.bytes), m.len, &m.arena, &out, NULL),
		             TEG_CORRUPT, "bit %zu", bit);
		m.bytes.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < m.bytes.len; len++)
		cr_assert_eq(segment_parse_footer(span_of(m.bytes.at, len), m.len, &m.arena, &out,
		                                  NULL),
		             TEG_CORRUPT);
	made_release(&m);
}

static void spoil_levels(struct made *m)
{
	m->footer.levels = INDEX_LEVELS_MAX + 1;
}

static void spoil_dims(struct made *m)
{
	m->footer.n_dims = 17;
	m->footer.levels = 0;
}

static void spoil_attrs(struct made *m)
{
	m->ids[1] = m->ids[0];
}

static void spoil_place(struct made *m)
{
	m->footer.root.off = UINT64_MAX - 5;
}

static void spoil_rows(struct made *m)
{
	m->footer.root.n_live = 9;
}

Test(segment, a_footer_that_checks_but_cannot_be_is_refused) /* X18 */
{
	static void (*const spoils[])(struct made *) = { spoil_levels, spoil_dims, spoil_attrs,
		                                         spoil_place, spoil_rows };

	for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
		struct made m;
		struct segment_footer out;

		made_init(&m, 1);
		spoils[i](&m);
		buf_clear(&m.bytes);
		segment_put_footer(&m.footer, FOOTER_OFF, &m.bytes, &m.checksum);
		cr_assert_eq(segment_parse_footer(buf_span(&m.bytes), FOOTER_OFF + m.bytes.len,
		                                  &m.arena, &out, NULL),
		             TEG_CORRUPT, "case %zu", i);
		made_release(&m);
	}
}
