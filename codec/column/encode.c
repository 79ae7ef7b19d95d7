/* Writing a chunk: fill the null slots, choose, cut pages, encode each. */
#include "codec/base/checked.h"
#include "codec/base/hash.h"
#include "codec/column/choose.h"
#include "codec/column/delta.h"
#include "codec/column/kernel.h"
#include "codec/column/page.h"
#include "codec/column/planes.h"
#include "codec/column/raw.h"
#include "codec/column/runs.h"
#include "codec/column/validity.h"
#include "codec/column/zstd.h"

#define RAW_TARGET (48u << 10)   /* bytes of a page that zstd will shrink */
#define SAMPLE_TARGET (8u << 10) /* bytes of a piece tried with zstd */
#define N_SAMPLES 3

struct encoder {
	const struct column *given; /* with its validity */
	struct column filled;       /* its values, null slots filled */
	enum value_class class;
	enum profile profile;
	bool has_nulls, zstd, planes;
	struct plan plan;
	struct codec_scratch *scratch;
	struct buf *out;
	size_t start; /* of the chunk in `out` */
};

/* ---- null slots ------------------------------------------------------------------------------ */

static size_t first_valid(const struct column *c)
{
	size_t i = 0;

	while (i < c->n && !column_valid(c, i))
		i++;
	return i;
}

#define FILL_NULLS(NAME, U, S, BITS)                                                          \
	static void fill_nulls_##NAME(const uint8_t *values, const uint8_t *validity, U last, \
	                              size_t n, U *to)                                        \
	{                                                                                     \
		for (size_t i = 0; i < n; i++) {                                              \
			U v;                                                                  \
                                                                                              \
			memcpy(&v, values + i * sizeof v, sizeof v);                          \
			last = bitmap_get(validity, i) ? v : last;                            \
			to[i] = last;                                                         \
		}                                                                             \
	}
EACH_WORD(FILL_NULLS)

static void fill_words(const struct column *c, uint64_t first, void *to)
{
	switch (c->width) {
	case 1: fill_nulls_u8(c->values, c->validity, (uint8_t)first, c->n, to); break;
	case 2: fill_nulls_u16(c->values, c->validity, (uint16_t)first, c->n, to); break;
	case 4: fill_nulls_u32(c->values, c->validity, (uint32_t)first, c->n, to); break;
	default: fill_nulls_u64(c->values, c->validity, first, c->n, to); break;
	}
}

/* A null slot repeats the valid value before it (the first one, at the start): it costs next to
 * nothing in any encoding, and holds nothing that the column does not hold elsewhere. */
static teg_status fill_fixed(struct encoder *e)
{
	const struct column *c = e->given;
	uint8_t *to = scratch_array(&e->scratch->filled, c->n, c->width);
	const uint8_t *last = c->values + first_valid(c) * c->width;

	if (!to)
		return TEG_NOMEM;
	if (word_width(c->width)) {
		fill_words(c, word_load(last, c->width), to);
	} else {
		for (size_t i = 0; i < c->n; i++) {
			if (column_valid(c, i))
				last = c->values + i * c->width;
			memcpy(to + i * c->width, last, c->width);
		}
	}
	e->filled.values = to;
	return TEG_OK;
}

/* A null slot of a BYTES column is empty: the bytes of valid values move together. */
static teg_status fill_bytes(struct encoder *e)
{
	const struct column *c = e->given;
	size_t offsets_len = (c->n + 1) * sizeof(int32_t);
	uint8_t *room = scratch_array(&e->scratch->filled, offsets_len + column_len(c), 1);
	int32_t *offsets = (void *)room;
	uint8_t *bytes = room + offsets_len;

	if (!room)
		return TEG_NOMEM;
	offsets[0] = 0;
	for (size_t i = 0; i < c->n; i++) {
		struct span v = column_valid(c, i) ? column_value(c, i) : span_of(NULL, 0);

		if (v.len)
			memcpy(bytes + offsets[i], v.at, v.len);
		offsets[i + 1] = offsets[i] + (int32_t)v.len;
	}
	e->filled.values = bytes;
	e->filled.offsets = offsets;
	return TEG_OK;
}

static teg_status fill_nulls(struct encoder *e)
{
	e->filled = *e->given;
	e->filled.validity = NULL;
	/* Offsets of null lists repeat the end before them as they are. */
	if (!e->has_nulls || e->class == VALUE_OFFSETS)
		return TEG_OK;
	return e->given->shape == COLUMN_FIXED ? fill_fixed(e) : fill_bytes(e);
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* The payload of values [first, first + n) into the scratch. */
static teg_status encode_payload(struct encoder *e, size_t first, size_t n)
{
	struct buf *payload = &e->scratch->payload;
	const struct column *c = &e->filled;
	const uint8_t *words = c->values + first * c->width;

	buf_clear(payload);
	e->scratch->opened = 0;
	if (e->has_nulls)
		validity_encode(e->given->validity, first, n, payload);
	switch (e->plan.encoding) {
	case ENCODING_FOR: for_encode(words, c->width, n, e->plan.is_signed, payload); break;
	case ENCODING_DELTA: delta_encode(words, c->width, n, &e->scratch->words, payload); break;
	case ENCODING_PATCHED:
		patched_encode(words, c->width, n, e->plan.is_signed,
		               e->plan.splits + first / PACK_BLOCK, e->scratch, payload);
		break;
	case ENCODING_ALP:
		alp_encode(words, e->plan.alp.integers + first, n, &e->plan.alp, e->scratch,
		           payload);
		break;
	case ENCODING_RUNS:
		runs_encode(words, c->width, n, e->plan.is_signed, e->scratch, payload);
		break;
	case ENCODING_DICTIONARY:
		for_encode(e->plan.dictionary.codes + first, 2, n, false, payload);
		break;
	default:
		if (e->planes)
			planes_encode(c, first, n, payload);
		else
			raw_encode(c, e->class, first, n, e->scratch, payload);
		break;
	}
	return buf_status(payload);
}

/* Appends the payload in the scratch to the chunk as a page of n values. False: it is longer than a
 * page of several values may be, and nothing was appended. */
static bool append_page(struct encoder *e, bool zstd, size_t first, size_t n, size_t len_max,
                        struct chunk_page *page_out)
{
	struct span raw = buf_span(&e->scratch->payload);
	size_t off = e->out->len;
	struct span stored;

	if (zstd)
		zstd_compress(e->scratch, raw, e->out);
	else
		buf_append_span(e->out, raw);
	if (buf_status(e->out) != TEG_OK)
		return true;
	stored = (struct span){ e->out->at + off, e->out->len - off };
	if (n > 1 && (stored.len > len_max || (zstd && raw.len > PAGE_RAW_MAX))) {
		e->out->len = off;
		return false;
	}
	*page_out =
		(struct chunk_page){ (uint32_t)first,      (uint32_t)n,       off - e->start,
		                     (uint32_t)stored.len, (uint32_t)raw.len, hash_bytes(stored) };
	return true;
}

static teg_status encode_pages(struct encoder *e)
{
	struct buf *pages = &e->scratch->pages;
	size_t target = e->zstd ? RAW_TARGET : PAGE_STORED_MAX;
	size_t first = 0;

	buf_clear(pages);
	while (first < e->filled.n) {
		size_t n = choose_page(&e->plan, &e->filled, first, e->has_nulls, target);
		struct chunk_page page;

		TEG_TRY(encode_payload(e, first, n));
		if (!append_page(e, e->zstd, first, n, PAGE_STORED_MAX, &page)) {
			target -= target / 4; /* zstd did less here than it does elsewhere */
			continue;
		}
		TEG_TRY(buf_status(e->out));
		buf_append(pages, &page, sizeof page);
		first += n;
	}
	return buf_status(pages);
}

/* As a frame, numbers as byte planes: what ascends repeats its high bytes. False: it did not pay. */
static bool append_frame(struct encoder *e, const struct column *values, size_t most,
                         struct chunk_page *page_out)
{
	struct buf *payload = &e->scratch->payload;

	if (planes_apply(e->class, values->width)) {
		buf_clear(payload);
		planes_encode(values, 0, values->n, payload);
	}
	if (buf_status(payload) != TEG_OK)
		return false;
	return append_page(e, true, 0, values->n, most, page_out);
}

/* Appends the dictionary page, as a frame where it is long and that saves a tenth. *fits_out is false
 * where it is too long either way. */
static teg_status encode_dictionary(struct encoder *e, struct chunk *chunk, bool *fits_out)
{
	struct column values = column_buf_view(&e->scratch->values);
	struct buf *payload = &e->scratch->payload;
	size_t plain = choose_plain_dictionary(&e->filled, e->class), len;

	buf_clear(payload);
	raw_encode(&values, e->class, 0, values.n, e->scratch, payload);
	TEG_TRY(buf_status(payload));
	len = payload->len;
	chunk->n_dictionary = (uint32_t)values.n;
	chunk->zstd_dictionary = e->profile != PROFILE_FAST && values.n > 1 && len > plain &&
	                         append_frame(e, &values, size_min(len - len / 10, PAGE_STORED_MAX),
	                                      &chunk->dictionary);
	*fits_out = chunk->zstd_dictionary || len <= PAGE_STORED_MAX;
	if (chunk->zstd_dictionary || !*fits_out)
		return buf_status(e->out);
	buf_clear(payload);
	raw_encode(&values, e->class, 0, values.n, e->scratch, payload);
	TEG_TRY(buf_status(payload));
	append_page(e, false, 0, values.n, PAGE_STORED_MAX, &chunk->dictionary);
	return buf_status(e->out);
}

/* ---- zstd or not ----------------------------------------------------------------------------- */

/* Whether a value is too large for a frame: readers give no more memory than VALUE_RAW_MAX. */
static bool has_huge_value(const struct column *c)
{
	if (c->shape == COLUMN_FIXED)
		return c->width > VALUE_RAW_MAX / 2;
	for (size_t i = 0; i < c->n && column_len(c) > VALUE_RAW_MAX / 2; i++)
		if (column_value(c, i).len > VALUE_RAW_MAX / 2)
			return true;
	return false;
}

/* Compresses up to N_SAMPLES pieces from all over the chunk. */
static teg_status sample_zstd(struct encoder *e, size_t *raw_out, size_t *stored_out)
{
	size_t n = e->filled.n, last = SIZE_MAX, keep = e->out->len;

	*raw_out = *stored_out = 0;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		size_t first = n * i / N_SAMPLES / PACK_BLOCK * PACK_BLOCK, m;

		if (first == last)
			continue;
		last = first;
		m = choose_page(&e->plan, &e->filled, first, e->has_nulls, SAMPLE_TARGET);
		TEG_TRY(encode_payload(e, first, m));
		zstd_compress(e->scratch, buf_span(&e->scratch->payload), e->out);
		TEG_TRY(buf_status(e->out));
		*raw_out += e->scratch->payload.len;
		*stored_out += e->out->len - keep;
		e->out->len = keep;
	}
	return TEG_OK;
}

static teg_status decide_zstd(struct encoder *e)
{
	bool is_raw = e->plan.encoding == ENCODING_RAW;
	bool free_text = e->filled.shape == COLUMN_BYTES && is_raw;
	size_t raw, stored, plain;

	if ((e->profile == PROFILE_FAST && !free_text) || has_huge_value(&e->filled))
		return TEG_OK;
	TEG_TRY(sample_zstd(e, &raw, &stored));
	e->planes = is_raw && !free_text && planes_apply(e->class, e->filled.width);
	if (e->planes) {
		plain = stored;
		TEG_TRY(sample_zstd(e, &raw, &stored));
		e->planes = stored <= plain;
		stored = size_min(stored, plain);
	}
	e->zstd = e->profile == PROFILE_DENSE ? stored < raw : stored <= raw - raw / 7;
	e->planes = e->planes && e->zstd;
	return TEG_OK;
}

/* ---- the chunk ------------------------------------------------------------------------------- */

static teg_status finish(struct encoder *e, struct arena *arena, struct chunk *chunk)
{
	const struct buf *pages = &e->scratch->pages;
	struct span copy = arena_copy(arena, buf_span(pages));

	if (!copy.at)
		return TEG_NOMEM;
	chunk->pages = (const void *)copy.at;
	chunk->n_pages = (uint32_t)(pages->len / sizeof *chunk->pages);
	chunk->len = e->out->len - e->start;
	return TEG_OK;
}

static teg_status encode_constant(struct encoder *e, struct arena *arena, struct chunk *chunk)
{
	chunk->encoding = ENCODING_CONSTANT;
	if (chunk->all_null)
		return TEG_OK;
	chunk->constant = arena_copy(arena, column_value(&e->filled, 0));
	return chunk->constant.at ? TEG_OK : TEG_NOMEM;
}

/* Chooses the encoding and begins the chunk with its dictionary, if it has one. */
static teg_status begin(struct encoder *e, struct chunk *chunk)
{
	bool fast = e->profile == PROFILE_FAST;
	struct dictionary_limits limits = { fast ? PAGE_STORED_MAX : PAGE_RAW_MAX, fast ? 80 : 94,
		                            !fast };

	for (bool fits = false; !fits; limits.page_len = PAGE_STORED_MAX) {
		TEG_TRY(choose(&e->filled, e->class, e->has_nulls, &limits, e->scratch, &e->plan));
		fits = true;
		if (e->plan.encoding == ENCODING_DICTIONARY)
			TEG_TRY(encode_dictionary(e, chunk, &fits));
	}
	return TEG_OK;
}

static teg_status encode(struct encoder *e, struct arena *arena, struct chunk *chunk)
{
	if (chunk->all_null)
		return encode_constant(e, arena, chunk);
	TEG_TRY(fill_nulls(e));
	TEG_TRY(begin(e, chunk));
	if (e->plan.encoding == ENCODING_CONSTANT)
		return encode_constant(e, arena, chunk);
	if (e->plan.encoding != ENCODING_DICTIONARY)
		chunk->n_dictionary = 0;
	TEG_TRY(decide_zstd(e));
	chunk->encoding = e->plan.encoding;
	chunk->zstd = e->zstd;
	chunk->planes = e->planes;
	TEG_TRY(encode_pages(e));
	return finish(e, arena, chunk);
}

teg_status chunk_encode(const struct column *c, enum value_class class, enum profile profile,
                        struct codec_scratch *scratch, struct arena *arena, struct buf *out,
                        struct chunk *chunk_out, teg_error *err)
{
	size_t n_nulls = column_n_nulls(c);
	struct encoder e = { .given = c,
		             .class = class,
		             .profile = profile,
		             .scratch = scratch,
		             .has_nulls = n_nulls > 0,
		             .out = out,
		             .start = out->len };
	struct chunk chunk = { .shape = c->shape,
		               .width = c->width,
		               .class = class,
		               .has_nulls = n_nulls > 0,
		               .all_null = n_nulls == c->n,
		               .n = (uint32_t)c->n };
	teg_status status;

	if (!page_types_agree(&chunk))
		return teg_fail(err, TEG_MISUSE, "class %u does not go with width %u", class,
		                c->width);
	if (c->n > CHUNK_VALUES_MAX || !page_size_ok(&chunk))
		return teg_fail(err, TEG_LIMIT, "a chunk of %zu values of %u bytes", c->n,
		                c->width);
	TEG_TRY(buf_status(out));
	status = encode(&e, arena, &chunk);
	if (status != TEG_OK) {
		out->len = e.start;
		return teg_fail(err, status, "encoding %zu values: %s", c->n,
		                status == TEG_LIMIT ? "output is full" : "no memory");
	}
	*chunk_out = chunk;
	return TEG_OK;
}
