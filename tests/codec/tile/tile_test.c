#include "codec/tile/tile.h"
#include <criterion/criterion.h>
#include "codec/msgpack/pack.h"
#include "tests/support/memory.h"

/* A tile of int64 columns with those ids, n values each, encoded for real. */
struct made {
	struct arena arena;
	struct codec_scratch *scratch;
	struct buf chunks, bytes;
	struct tile_column columns[4];
	struct tile_header header;
};

static void add_column(struct made *m, uint32_t id, uint32_t n, uint32_t width, bool constant)
{
	static int64_t values[4096];
	struct tile_column *to = &m->columns[m->header.n_columns++];
	struct column c = { .shape = COLUMN_FIXED, .width = width, .n = n };

	for (uint32_t i = 0; i < 4096; i++)
		values[i] = constant ? 0x0101010101010101 : (int64_t)i * 7919 % 1000003;
	c.values = (const uint8_t *)values;
	to->id = id;
	to->off = m->chunks.len;
	cr_assert_eq(chunk_encode(&c, VALUE_SIGNED, PROFILE_FAST, m->scratch, &m->arena, &m->chunks,
	                          &to->chunk, NULL),
	             TEG_OK);
}

static void made_init(struct made *m, enum tile_shape shape, uint32_t n_rows)
{
	memset(m, 0, sizeof *m);
	arena_init(&m->arena, teg_allocator_default(), SIZE_MAX);
	m->scratch = codec_scratch_new(teg_allocator_default());
	buf_init(&m->chunks, teg_allocator_default(), BUF_NO_LIMIT);
	buf_init(&m->bytes, teg_allocator_default(), BUF_NO_LIMIT);
	m->header.shape = shape;
	m->header.n_rows = n_rows;
	m->header.columns = m->columns;
}

static void made_release(struct made *m)
{
	codec_scratch_free(m->scratch);
	arena_release(&m->arena);
	buf_release(&m->chunks);
	buf_release(&m->bytes);
}

static void set_box(struct made *m, uint32_t n_dims, uint64_t side)
{
	m->header.n_dims = n_dims;
	for (uint32_t d = 0; d < n_dims; d++) {
		m->header.lo[d] = 100 + d;
		m->header.hi[d] = 100 + d + side - 1;
	}
}

static teg_status parse(struct made *m, struct tile_header *out, teg_error *err)
{
	buf_clear(&m->bytes);
	tile_put_header(&m->header, &m->bytes);
	cr_assert_eq(buf_status(&m->bytes), TEG_OK);
	return tile_parse_header(buf_span(&m->bytes), m->chunks.len, &m->arena, out, err);
}

static void check_back(struct made *m)
{
	struct tile_header out;
	teg_error err = { 0 };

	cr_assert_eq(parse(m, &out, &err), TEG_OK, "%s", err.message);
	cr_assert_eq(out.shape, m->header.shape);
	cr_assert_eq(out.n_rows, m->header.n_rows);
	cr_assert_eq(out.n_dims, m->header.n_dims);
	cr_assert_arr_eq(out.lo, m->header.lo, sizeof out.lo);
	cr_assert_arr_eq(out.hi, m->header.hi, sizeof out.hi);
	cr_assert_eq(out.n_columns, m->header.n_columns);
	for (uint32_t c = 0; c < out.n_columns; c++) {
		cr_assert_eq(out.columns[c].id, m->columns[c].id);
		cr_assert_eq(out.columns[c].off, m->columns[c].off);
		cr_assert_eq(out.columns[c].chunk.len, m->columns[c].chunk.len);
		cr_assert_eq(tile_find_column(&out, out.columns[c].id), &out.columns[c]);
	}
	cr_assert_null(tile_find_column(&out, 77));
}

Test(tile, headers_of_every_shape_come_back) /* NC1 TILE-4 */
{
	struct made m;

	made_init(&m, TILE_SPARSE, 1000);
	add_column(&m, 0, 1000, 8, false);
	add_column(&m, 0x100, 1000, 4, false);
	check_back(&m);
	made_release(&m);
	made_init(&m, TILE_DENSE, 100);
	set_box(&m, 2, 10);
	add_column(&m, 0x100, 100, 8, false);
	check_back(&m);
	made_release(&m);
	made_init(&m, TILE_DENSE, 60);
	set_box(&m, 2, 10);
	add_column(&m, 0x100, 60, 8, false);
	add_column(&m, TILE_PRESENCE_ID, 100, 1, false);
	check_back(&m);
	made_release(&m);
	made_init(&m, TILE_BOX, 1);
	set_box(&m, 3, UINT64_MAX / 2);
	add_column(&m, 0xf004, 1, 1, true);
	check_back(&m);
	made_release(&m);
	made_init(&m, TILE_SPARSE,
	          3); /* erase-only tile without attributes: nothing but a constant */
	add_column(&m, 0xf004, 3, 1, true);
	check_back(&m);
	made_release(&m);
}

enum break_how {
	NO_ROWS,
	TOO_MANY_ROWS,
	SHORT_COLUMN,
	SAME_ID,
	FALLING_ID,
	WIDE_ID,
	GAP,
	TOO_SHORT,
	BOX_UPSIDE_DOWN,
	BOX_TOO_LARGE,
	ROWS_DO_NOT_FILL,
	PRESENCE_OF_SPARSE,
	PRESENCE_SHORT,
	BOX_NOT_CONSTANT,
	BOX_OF_TWO_ROWS,
	N_BREAKS
};

static void break_sparse(struct made *m, enum break_how how)
{
	made_init(m, TILE_SPARSE, 1000);
	add_column(m, 0, how == SHORT_COLUMN ? 999 : 1000, 8, false);
	add_column(m, how == SAME_ID ? 0 : 0x100, 1000, 8, false);
	if (how == NO_ROWS)
		m->header.n_rows = 0;
	if (how == TOO_MANY_ROWS)
		m->header.n_rows = TILE_CELLS_MAX + 1;
	if (how == FALLING_ID)
		m->columns[0].id = 0x101;
	if (how == WIDE_ID)
		m->columns[1].id = 0x10000;
	if (how == GAP)
		buf_u8(&m->chunks, 0);
	if (how == TOO_SHORT)
		m->chunks.len--;
	if (how == PRESENCE_OF_SPARSE)
		m->columns[1].id = TILE_PRESENCE_ID;
}

static void break_other(struct made *m, enum break_how how)
{
	bool box = how == BOX_NOT_CONSTANT || how == BOX_OF_TWO_ROWS;

	made_init(m, box ? TILE_BOX : TILE_DENSE, box ? 1 : 100);
	set_box(m, 2, 10);
	if (how == BOX_UPSIDE_DOWN)
		m->header.lo[1] = m->header.hi[1] + 1;
	if (how == BOX_TOO_LARGE)
		m->header.hi[0] = UINT64_MAX - 1;
	if (how == ROWS_DO_NOT_FILL)
		m->header.hi[0]++;
	if (how == BOX_OF_TWO_ROWS)
		m->header.n_rows = 2;
	add_column(m, 0x100, how == BOX_NOT_CONSTANT ? 1000 : m->header.n_rows, 8, false);
	if (how == BOX_NOT_CONSTANT)
		m->columns[0].chunk.n = 1;
	if (how == PRESENCE_SHORT)
		add_column(m, TILE_PRESENCE_ID, 99, 1, false);
}

Test(tile, what_no_writer_makes_is_refused) /* X18 X19 TILE-2 to TILE-6, TILE-11 */
{
	for (int how = 0; how < N_BREAKS; how++) {
		struct made m;
		struct tile_header out;

		if (how < BOX_UPSIDE_DOWN || how == PRESENCE_OF_SPARSE)
			break_sparse(&m, (enum break_how)how);
		else
			break_other(&m, (enum break_how)how);
		cr_assert_eq(parse(&m, &out, NULL), TEG_CORRUPT, "case %d", how);
		made_release(&m);
	}
}

static teg_status parse_packed(void (*put)(struct buf *out), teg_error *err)
{
	struct arena arena;
	struct buf bytes;
	struct tile_header out;
	teg_status status;

	arena_init(&arena, teg_allocator_default(), SIZE_MAX);
	buf_init(&bytes, teg_allocator_default(), BUF_NO_LIMIT);
	put(&bytes);
	status = tile_parse_header(buf_span(&bytes), 0, &arena, &out, err);
	buf_release(&bytes);
	arena_release(&arena);
	return status;
}

static void put_unknown_shape(struct buf *out)
{
	pack_map(out, 3);
	pack_key(out, "shape");
	pack_u64(out, 3);
	pack_key(out, "rows");
	pack_u64(out, 1);
	pack_key(out, "columns");
	pack_array(out, 0);
}

static void put_sparse_box(struct buf *out)
{
	pack_map(out, 4);
	pack_key(out, "shape");
	pack_u64(out, TILE_SPARSE);
	pack_key(out, "rows");
	pack_u64(out, 1);
	pack_key(out, "box");
	pack_array(out, 2);
	pack_u64(out, 1);
	pack_u64(out, 2);
	pack_key(out, "columns");
	pack_array(out, 0);
}

static void put_array(struct buf *out)
{
	pack_array(out, 0);
}

static void put_odd_columns(struct buf *out)
{
	pack_map(out, 3);
	pack_key(out, "shape");
	pack_u64(out, TILE_SPARSE);
	pack_key(out, "rows");
	pack_u64(out, 1);
	pack_key(out, "columns");
	pack_array(out, 1);
	pack_u64(out, 1);
}

static void put_huge_count(struct buf *out)
{
	static const uint8_t bytes[] = { 0x83, 0xa5, 's', 'h', 'a',  'p',  'e',  0,    0xa4,
		                         'r',  'o',  'w', 's', 1,    0xa7, 'c',  'o',  'l',
		                         'u',  'm',  'n', 's', 0xdd, 0xff, 0xff, 0xff, 0xff };

	buf_append(out, bytes, sizeof bytes);
}

Test(tile, headers_that_are_not_one) /* X18 */
{
	teg_error err = { 0 };

	cr_assert_eq(parse_packed(put_unknown_shape, &err), TEG_UNSUPPORTED);
	cr_assert_not_null(strstr(err.message, "shape 3"));
	cr_assert_eq(parse_packed(put_sparse_box, NULL), TEG_CORRUPT);
	cr_assert_eq(parse_packed(put_array, NULL), TEG_CORRUPT);
	cr_assert_eq(parse_packed(put_odd_columns, NULL), TEG_CORRUPT);
	cr_assert_eq(parse_packed(put_huge_count, NULL), TEG_CORRUPT);
}

Test(tile, every_cut_and_most_flips_of_a_header_are_refused_and_none_is_read_past)
{
	struct made m;
	struct tile_header out;

	made_init(&m, TILE_DENSE, 60);
	set_box(&m, 2, 10);
	add_column(&m, 0x100, 60, 8, false);
	add_column(&m, TILE_PRESENCE_ID, 100, 1, false);
	cr_assert_eq(parse(&m, &out, NULL), TEG_OK);
	for (size_t len = 0; len < m.bytes.len; len++)
		cr_assert_neq(tile_parse_header(span_of(m.bytes.at, len), m.chunks.len, &m.arena,
		                                &out, NULL),
		              TEG_OK);
	for (size_t bit = 0; bit < 8 * m.bytes.len; bit++) {
		m.bytes.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
		(void)tile_parse_header(buf_span(&m.bytes), m.chunks.len, &m.arena, &out, NULL);
		m.bytes.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	made_release(&m);
}

Test(tile, volume_does_not_overflow)
{
	struct tile_header h = { .n_dims = 2, .hi = { UINT64_MAX, 0 } };

	cr_assert_eq(tile_volume(&h), UINT64_MAX);
	h.hi[0] = h.hi[1] = (uint64_t)1 << 40;
	cr_assert_eq(tile_volume(&h), UINT64_MAX);
	h.hi[0] = 9;
	h.hi[1] = 4;
	cr_assert_eq(tile_volume(&h), 50);
}
