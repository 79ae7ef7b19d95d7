#include "codec/column/dictionary.h"
#include "codec/base/checked.h"
#include "codec/base/sort.h"
#include "codec/column/for.h"
#include "codec/column/kernel.h"
#include "codec/column/raw.h"
#include "codec/column/spell.h"

#define FIRST_SLOTS 1024 /* of the hash table; a power of two */

/* A value as it is looked up: its first and last eight bytes say all of values up to sixteen. */
struct look {
	uint64_t head, tail; /* padded with zeros; no tail up to eight bytes */
	size_t len;
};

/* A distinct value. */
struct entry {
	struct look look;
	uint64_t hash;
	uint64_t key; /* orders unless equal */
	uint32_t row; /* where it was first seen */
	uint32_t id;  /* in order of appearance */
};

/* ---- order ----------------------------------------------------------------------------------- */

/* The class by which values of this width are ordered: numbers of odd width are bytes. */
static enum value_class order_class(const struct column *c, enum value_class class)
{
	bool number = class == VALUE_UNSIGNED || class == VALUE_SIGNED || class == VALUE_FLOAT;

	if (c->shape == COLUMN_FIXED && number && word_width(c->width))
		return class == VALUE_FLOAT ? VALUE_UNSIGNED : class;
	if (c->shape == COLUMN_FIXED && class == VALUE_WIDE && c->width == 16)
		return VALUE_WIDE;
	return VALUE_BYTES;
}

/* <0, 0, >0, where the keys are equal. */
static int compare_rest(const struct column *c, enum value_class class, size_t a, size_t b)
{
	uint64_t low_a, low_b;

	if (class == VALUE_BYTES)
		return span_compare(column_value(c, a), column_value(c, b));
	if (class != VALUE_WIDE)
		return 0;
	low_a = load_u64(c->values + a * 16);
	low_b = load_u64(c->values + b * 16);
	return (low_a > low_b) - (low_a < low_b);
}

/* The lane of text i: eight bytes at once where that many lie in the column from its start on. */
static uint64_t text_lane(const struct column *c, size_t i)
{
	size_t at = (size_t)c->offsets[i], len = (size_t)c->offsets[i + 1] - at;
	uint64_t word;

	if (!len || at + 8 > (size_t)c->offsets[c->n])
		return lane_of_bytes(column_value(c, i));
	word = __builtin_bswap64(load_u64(c->values + at));
	return len < 8 ? word & ~UINT64_C(0) << (64 - 8 * len) : word;
}

static bool texts_ascend(const struct column *c)
{
	uint64_t last = 0;

	for (size_t i = 0; i < c->n; i++) {
		uint64_t key = text_lane(c, i);

		if (i &&
		    (key < last || (key == last && compare_rest(c, VALUE_BYTES, i - 1, i) >= 0)))
			return false;
		last = key;
	}
	return true;
}

bool dictionary_ascends(const struct column *values, enum value_class class)
{
	enum value_class order = order_class(values, class);
	uint64_t last = 0;

	if (values->shape == COLUMN_BYTES)
		return texts_ascend(values);

	for (size_t i = 0; i < values->n; i++) {
		uint64_t key = lane_of_value(order, column_value(values, i));

		if (i &&
		    (key < last || (key == last && compare_rest(values, order, i - 1, i) >= 0)))
			return false;
		last = key;
	}
	return true;
}

struct entry_order {
	const struct column *c;
	enum value_class class;
};

static bool entries_swapped(const void *ctx, const void *a, const void *b)
{
	const struct entry_order *order = ctx;
	const struct entry *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key;
	return compare_rest(order->c, order->class, x->row, y->row) > 0;
}

static void sort_entries(const struct column *c, enum value_class class, struct entry *e,
                         struct entry *spare, size_t n)
{
	const struct entry_order order = { c, class };

	sort_stable(e, spare, n, sizeof *e, entries_swapped, &order);
}

/* ---- building -------------------------------------------------------------------------------- */

/* `end` is where the column's bytes end: until there eight bytes may be read at once. */
ALWAYS_INLINE struct look look_at(struct span v, const uint8_t *end)
{
	struct look look = { 0, 0, v.len };
	uint8_t few[8] = { 0 };

	if (v.len >= 8) {
		look.head = load_u64(v.at);
		look.tail = v.len > 8 ? load_u64(v.at + v.len - 8) : 0;
	} else if (v.len && end - v.at >= 8) {
		look.head = load_u64(v.at) & low_mask(8 * (unsigned)v.len);
	} else if (v.len) {
		memcpy(few, v.at, v.len);
		look.head = load_u64(few);
	}
	return look;
}

ALWAYS_INLINE uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;

	h ^= h >> 32;
	h = (h ^ b) * 0x94d049bb133111ebu;
	return h ^ h >> 29;
}

ALWAYS_INLINE uint64_t hash_look(const struct look *look, struct span v)
{
	uint64_t h = mix(look->head, look->tail ^ look->len << 56);

	for (size_t i = 8; i + 8 < v.len; i += 8)
		h = mix(load_u64(v.at + i), h);
	return h;
}

uint64_t dictionary_hash(struct span v)
{
	struct look look = look_at(v, v.at + v.len);

	return hash_look(&look, v);
}

/* Whether the values of these looks are equal; `a` and `b` are their bytes. */
ALWAYS_INLINE bool same(const struct look *x, const struct look *y, const uint8_t *a,
                        const uint8_t *b)
{
	if (x->head != y->head || x->tail != y->tail || x->len != y->len)
		return false;
	for (size_t i = 8; i + 8 < x->len; i += 8)
		if (load_u64(a + i) != load_u64(b + i))
			return false;
	return true;
}

struct builder {
	const struct column *c;
	const uint8_t *end; /* of its values' bytes */
	struct codec_scratch *scratch;
	uint64_t *slots; /* hash's upper half, id + 1 below; 0: free */
	size_t n_slots;
	size_t n, max_n, max_len;
	size_t len;               /* of the distinct values */
	size_t shortest, longest; /* of them */
};

static struct entry *entries_of(const struct builder *b)
{
	return (struct entry *)(void *)b->scratch->entries.at;
}

static bool start_slots(struct builder *b, size_t n_slots)
{
	b->slots = scratch_array(&b->scratch->table, n_slots, sizeof *b->slots);
	if (!b->slots)
		return false;
	memset(b->slots, 0, n_slots * sizeof *b->slots);
	b->n_slots = n_slots;
	return true;
}

static uint64_t slot_of(uint64_t hash, size_t id)
{
	return (hash & 0xffffffff00000000u) | (id + 1);
}

static bool grow_slots(struct builder *b)
{
	const struct entry *entries = entries_of(b);

	if (!start_slots(b, b->n_slots * 2))
		return false;
	for (size_t id = 0; id < b->n; id++) {
		size_t at = entries[id].hash & (b->n_slots - 1);

		while (b->slots[at])
			at = (at + 1) & (b->n_slots - 1);
		b->slots[at] = slot_of(entries[id].hash, id);
	}
	return true;
}

static bool enter(struct builder *b, size_t at, const struct look *look, uint64_t hash, size_t row)
{
	struct entry *e = (void *)buf_extend(&b->scratch->entries, sizeof *e);

	if (!e)
		return false;
	*e = (struct entry){ *look, hash, 0, (uint32_t)row, (uint32_t)b->n };
	b->slots[at] = slot_of(hash, b->n++);
	b->len += look->len;
	b->shortest = size_min(b->shortest, look->len);
	b->longest = size_max(b->longest, look->len);
	return b->n * 2 <= b->n_slots || grow_slots(b);
}

/* The id of row's value, entered if it is new. False: no memory. */
ALWAYS_INLINE bool find_or_enter(struct builder *b, size_t row, size_t *id_out)
{
	struct span v = column_value(b->c, row);
	struct look look = look_at(v, b->end);
	uint64_t hash = hash_look(&look, v);
	size_t at = hash & (b->n_slots - 1);

	for (; b->slots[at]; at = (at + 1) & (b->n_slots - 1)) {
		size_t id = (b->slots[at] & 0xffffffffu) - 1;
		const struct entry *e = &entries_of(b)[id];

		if (same(&look, &e->look, v.at, column_value(b->c, e->row).at)) {
			*id_out = id;
			return true;
		}
	}
	*id_out = b->n;
	return enter(b, at, &look, hash, row);
}

/* Bytes of the dictionary page: not above this. */
static size_t page_len(const struct builder *b)
{
	size_t blocks = b->n / PACK_BLOCK + 1;

	if (b->c->shape == COLUMN_FIXED)
		return b->len;
	return b->len + blocks * 6 + b->n * bit_width(b->longest - b->shortest) / 8;
}

/* Ids of all values. *fits_out is false where there are too many. */
static teg_status collect(struct builder *b, uint16_t *codes, bool *fits_out)
{
	size_t id = 0;

	*fits_out = false;
	for (size_t i = 0; i < b->c->n; i++) {
		size_t before = b->n;

		if (!find_or_enter(b, i, &id))
			return TEG_NOMEM;
		if (b->n > before && (b->n > b->max_n || page_len(b) > b->max_len))
			return TEG_OK;
		codes[i] = (uint16_t)id;
	}
	*fits_out = true;
	return TEG_OK;
}

/* Sorts the entries, gathers their values and turns ids into places. */
static teg_status put_in_order(struct builder *b, enum value_class class, uint16_t *codes)
{
	struct codec_scratch *s = b->scratch;
	struct entry *e = entries_of(b);
	struct entry *spare = scratch_array(&s->order, b->n, sizeof *spare);
	uint32_t *rows, *place;

	if (!spare)
		return TEG_NOMEM;
	for (size_t i = 0; i < b->n; i++)
		e[i].key = lane_of_value(class, column_value(b->c, e[i].row));
	sort_entries(b->c, class, e, spare, b->n);
	rows = scratch_array(&s->order, 2 * b->n, sizeof *rows);
	if (!rows)
		return TEG_NOMEM;
	place = rows + b->n;
	for (size_t i = 0; i < b->n; i++) {
		rows[i] = e[i].row;
		place[e[i].id] = (uint32_t)i;
	}
	for (size_t i = 0; i < b->c->n; i++)
		codes[i] = (uint16_t)place[codes[i]];
	column_buf_release(&s->values);
	column_buf_init(&s->values, b->c->shape, b->c->width, s->alloc);
	return column_buf_gather(&s->values, b->c, rows, b->n);
}

teg_status dictionary_build(const struct column *c, enum value_class class, size_t max_n,
                            size_t max_len, struct codec_scratch *scratch, struct dictionary *out)
{
	struct span last = column_value(c, c->n - 1);
	struct builder b = { .c = c,
		             .end = last.at + last.len,
		             .scratch = scratch,
		             .max_n = size_min(max_n, 65536),
		             .max_len = max_len,
		             .shortest = SIZE_MAX };
	uint16_t *codes = scratch_array(&scratch->codes, c->n, sizeof *codes);
	bool fits;

	*out = (struct dictionary){ 0 };
	buf_clear(&scratch->entries);
	if (!codes || !start_slots(&b, FIRST_SLOTS))
		return TEG_NOMEM;
	TEG_TRY(collect(&b, codes, &fits));
	if (!fits)
		return TEG_OK;
	TEG_TRY(put_in_order(&b, order_class(c, class), codes));
	*out = (struct dictionary){ b.n, page_len(&b), codes };
	return TEG_OK;
}

/* ---- decoding -------------------------------------------------------------------------------- */

#define LOOK_UP(NAME, U, S, BITS)                                                             \
	static void look_up_##NAME(const uint8_t *values, const uint16_t *codes, size_t n,    \
	                           uint8_t *to)                                               \
	{                                                                                     \
		for (size_t i = 0; i < n; i++)                                                \
			memcpy(to + i * sizeof(U), values + codes[i] * sizeof(U), sizeof(U)); \
	}
EACH_WORD(LOOK_UP)

static void look_up(const struct column_buf *values, const uint16_t *codes, size_t n, uint8_t *to)
{
	if (word_width(values->width)) {
		BY_WIDTH(values->width, look_up, values->values, codes, n, to);
		return;
	}
	for (size_t i = 0; i < n; i++)
		memcpy(to + i * values->width, values->values + codes[i] * values->width,
		       values->width);
}

KERNEL static uint16_t largest(const uint16_t *codes, size_t n)
{
	uint16_t max = 0;

	for (size_t i = 0; i < n; i++)
		max = codes[i] > max ? codes[i] : max;
	return max;
}

static teg_status append_block(const struct column_buf *values, const struct spelling *spelling,
                               const uint16_t *codes, size_t n, const uint8_t *valid, size_t bit,
                               struct column_buf *out)
{
	uint8_t *to;

	if (largest(codes, n) >= values->n)
		return TEG_CORRUPT;
	if (out->shape == COLUMN_BYTES)
		return spell(spelling, values, codes, n, valid, bit, out);
	to = column_buf_extend(out, n);
	if (!to)
		return TEG_NOMEM;
	look_up(values, codes, n, to);
	return TEG_OK;
}

teg_status dictionary_decode(struct reader *in, const struct column_buf *values, size_t page_n,
                             size_t from, size_t n, const uint8_t *valid, struct column_buf *out)
{
	uint16_t codes[PACK_BLOCK];
	struct spelling spelling = { 0, 0 };
	struct for_stream stream;
	size_t done = 0;

	if (out->shape == COLUMN_BYTES)
		spelling = spelling_of(values, n);
	if (!for_open(in, sizeof *codes, page_n, &stream) || reader_left(in))
		return TEG_CORRUPT;
	TEG_TRY(column_buf_reserve(out, n, 0));
	while (done < n) {
		size_t m = size_min(n - done, PACK_BLOCK - (from + done) % PACK_BLOCK);

		for_decode(&stream, from + done, m, codes);
		TEG_TRY(append_block(values, &spelling, codes, m, valid, done, out));
		done += m;
	}
	return TEG_OK;
}

teg_status dictionary_take(struct reader *in, const struct column_buf *values, size_t page_n,
                           const uint16_t *at, size_t n, const uint8_t *valid,
                           struct column_buf *out)
{
	struct spelling spelling = { 0, COLUMN_BYTES_MAX };
	uint16_t codes[PACK_BLOCK];
	struct for_stream stream;

	if (!for_open(in, sizeof *codes, page_n, &stream) || reader_left(in))
		return TEG_CORRUPT;
	for_take(&stream, at, n, codes);
	if (out->shape == COLUMN_BYTES)
		spelling = spelling_of(values, n);
	return append_block(values, &spelling, codes, n, valid, 0, out);
}

static teg_status pick_one(struct span values, size_t n_values, enum value_class class,
                           uint16_t code, bool empty, struct column_buf *out)
{
	struct reader in = reader_of(values);

	if (code >= n_values)
		return TEG_CORRUPT;
	if (empty)
		return column_buf_append_value(out, span_of(NULL, 0), 1);
	return raw_decode(&in, class, n_values, code, 1, NULL, out);
}

teg_status dictionary_pick(struct reader *in, struct span values, size_t n_values,
                           enum value_class class, size_t page_n, size_t from, size_t n,
                           const uint8_t *valid, struct column_buf *out)
{
	struct for_stream stream;

	if (!for_open(in, sizeof(uint16_t), page_n, &stream) || reader_left(in))
		return TEG_CORRUPT;
	for (size_t i = 0; i < n; i++) {
		bool empty = out->shape == COLUMN_BYTES && valid && !bitmap_get(valid, i);

		TEG_TRY(pick_one(values, n_values, class, (uint16_t)for_get(&stream, from + i),
		                 empty, out));
	}
	return TEG_OK;
}
