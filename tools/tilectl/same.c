#include "tools/tilectl/same.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/number.h"
#include "tools/tilectl/text.h"

/* ---- formats ---------------------------------------------------------------------------------- */

static const struct {
	const char *format;
	enum same_form form;
	size_t width;
} plain[] = {
	{ "b", SAME_BOOL, 1 },    { "c", SAME_INT, 1 },   { "s", SAME_INT, 2 },
	{ "i", SAME_INT, 4 },     { "l", SAME_INT, 8 },   { "C", SAME_UINT, 1 },
	{ "S", SAME_UINT, 2 },    { "I", SAME_UINT, 4 },  { "L", SAME_UINT, 8 },
	{ "e", SAME_FLOAT, 2 },   { "f", SAME_FLOAT, 4 }, { "g", SAME_FLOAT, 8 },
	{ "u", SAME_RUNS, 4 },    { "U", SAME_RUNS, 8 },  { "z", SAME_RUNS, 4 },
	{ "Z", SAME_RUNS, 8 },    { "vu", SAME_RUNS, 0 }, { "vz", SAME_RUNS, 0 },
	{ "tdD", SAME_INT, 4 },   { "+l", SAME_LIST, 4 }, { "+L", SAME_LIST, 8 },
	{ "+s", SAME_STRUCT, 0 },
};

static bool read_plain(struct same_column *cells, const char *format)
{
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (!strcmp(plain[i].format, format)) {
			cells->form = plain[i].form;
			cells->width = plain[i].width;
			return true;
		}
	return false;
}

/* ts?: and tD?: w:N and +w:N, d:P,S and d:P,S,128 */
static bool read_long(struct same_column *cells, const char *format)
{
	static const char letters[] = "smun";
	static const int64_t units[] = { 1, 1000, 1000000, 1000000000 };
	const char *unit = format[0] == 't' && format[1] && format[2] ? strchr(letters, format[2])
	                                                              : NULL;
	bool list = !strncmp(format, "+w:", 3);

	if (unit && (format[1] == 's' || format[1] == 'D')) {
		*cells = (struct same_column){ .form = SAME_TIME,
			                       .width = 8,
			                       .unit = units[unit - letters] };
		return true;
	}
	if (list || !strncmp(format, "w:", 2)) {
		format += list ? 3 : 2;
		cells->form = list ? SAME_LIST : SAME_BITS;
		if (!number_read_int(format, strlen(format), 0, INT32_MAX, &cells->fixed))
			return false;
		cells->width = list ? 0 : (size_t)cells->fixed;
		return true;
	}
	*cells = (struct same_column){ .form = SAME_BITS, .width = 16 };
	return !strncmp(format, "d:", 2);
}

bool same_init(struct same_column *cells, const struct ArrowSchema *field, struct why *why)
{
	size_t n = field->dictionary ? 1 : (size_t)field->n_children;

	*cells = (struct same_column){ .form = SAME_BITS };
	if (!read_plain(cells, field->format) && !read_long(cells, field->format))
		return refuse(why,
		              "column %.80s has Arrow format '%.40s', which cannot be compared",
		              field->name ? field->name : "", field->format);
	cells->dictionary = field->dictionary != NULL;
	cells->children = need_memory(n, sizeof *cells->children);
	for (size_t i = 0; i < n; i++) {
		const struct ArrowSchema *child = field->dictionary ? field->dictionary
		                                                    : field->children[i];

		cells->n_children = i + 1;
		if (!same_init(&cells->children[i], child, why))
			return false;
	}
	return true;
}

void same_free(struct same_column *cells)
{
	for (size_t i = 0; i < cells->n_children; i++)
		same_free(&cells->children[i]);
	free(cells->children);
	*cells = (struct same_column){ .children = NULL };
}

/* ---- single values ---------------------------------------------------------------------------- */

static bool bit_at(const void *bits, int64_t i)
{
	return ((const uint8_t *)bits)[i / 8] >> (i % 8) & 1;
}

static bool is_null(const struct ArrowArray *array, int64_t at)
{
	return array->null_count && array->buffers[0] && !bit_at(array->buffers[0], at);
}

/* The bits of a value of up to eight bytes, the sign of an integer carried on. */
static uint64_t bits_of(const struct same_column *cells, const struct ArrowArray *array, int64_t at)
{
	uint64_t bits = 0;
	unsigned unused;

	if (cells->form == SAME_BOOL)
		return bit_at(array->buffers[1], at);
	memcpy(&bits, (const char *)array->buffers[1] + (size_t)at * cells->width, cells->width);
	if (cells->form != SAME_INT || cells->width == 8)
		return bits;
	unused = 64 - 8 * (unsigned)cells->width;
	return (uint64_t)((int64_t)(bits << unused) >> unused);
}

static int64_t offset_at(const struct same_column *cells, const struct ArrowArray *array,
                         int64_t at)
{
	if (cells->width == 8)
		return ((const int64_t *)array->buffers[1])[at];
	return ((const int32_t *)array->buffers[1])[at];
}

/* A view is a length, then twelve bytes or a prefix, a buffer and an offset. */
static const char *view_of(const struct ArrowArray *array, int64_t at, size_t *len_out)
{
	const char *view = (const char *)array->buffers[1] + (size_t)at * 16;
	int32_t parts[4];

	memcpy(parts, view, sizeof parts);
	*len_out = (size_t)parts[0];
	return parts[0] <= 12 ? view + 4 : (const char *)array->buffers[2 + parts[2]] + parts[3];
}

static const char *run_of(const struct same_column *cells, const struct ArrowArray *array,
                          int64_t at, size_t *len_out)
{
	int64_t from;

	if (!cells->width)
		return view_of(array, at, len_out);
	from = offset_at(cells, array, at);
	*len_out = (size_t)(offset_at(cells, array, at + 1) - from);
	return *len_out ? (const char *)array->buffers[2] + from : "";
}

/* Goes through a dictionary to the value. */
static void resolve(const struct same_column **cells, const struct ArrowArray **array, int64_t *at)
{
	while ((*cells)->dictionary) {
		*at = (int64_t)bits_of(*cells, *array, *at);
		*cells = &(*cells)->children[0];
		*array = (*array)->dictionary;
		*at += (*array)->offset;
	}
}

/* ---- comparison ------------------------------------------------------------------------------- */

static double number_of(const struct same_column *cells, uint64_t bits)
{
	float f32;
	double f64;
	uint32_t low = (uint32_t)bits;

	if (cells->form == SAME_INT)
		return (double)(int64_t)bits;
	if (cells->form == SAME_UINT)
		return (double)bits;
	if (cells->width == 2)
		return number_from_f16((uint16_t)bits);
	memcpy(&f32, &low, sizeof f32);
	memcpy(&f64, &bits, sizeof f64);
	return cells->width == 4 ? (double)f32 : f64;
}

/* The payload of a NaN at the width of a double; quieting is what widening does to it. */
static uint64_t nan_of(const struct same_column *cells, uint64_t bits)
{
	unsigned shift = cells->width == 2 ? 42 : cells->width == 4 ? 29 : 0;
	uint64_t sign = bits >> (cells->width * 8 - 1);

	return (bits << shift & 0xfffffffffffff) | sign << 63 | (uint64_t)1 << 51;
}

/* Numbers of different types: what an exact conversion makes equal. */
static bool same_number(const struct same_column *a, uint64_t x, const struct same_column *b,
                        uint64_t y)
{
	bool floats = a->form == SAME_FLOAT || b->form == SAME_FLOAT;
	double p, q;

	if (a->form == SAME_BOOL || b->form == SAME_BOOL)
		return a->form == b->form && x == y;
	if (!floats)
		return x == y && (a->form == b->form || x <= INT64_MAX);
	p = number_of(a, x);
	q = number_of(b, y);
	if (isnan(p) && isnan(q))
		return nan_of(a, x) == nan_of(b, y);
	return p == q && (a->key || b->key || a->form != b->form || signbit(p) == signbit(q));
}

static bool same_time(const struct same_column *a, uint64_t x, const struct same_column *b,
                      uint64_t y)
{
	int64_t p = (int64_t)x, q = (int64_t)y;
	int64_t unit_a = a->form == SAME_TIME ? a->unit : 1000000;
	int64_t unit_b = b->form == SAME_TIME ? b->unit : 1000000;

	if (unit_a < unit_b && __builtin_mul_overflow(p, unit_b / unit_a, &p))
		return false;
	if (unit_b < unit_a && __builtin_mul_overflow(q, unit_a / unit_b, &q))
		return false;
	return p == q;
}

static void range_of(const struct same_column *cells, const struct ArrowArray *array, int64_t at,
                     int64_t *from_out, int64_t *n_out)
{
	*from_out = cells->width ? offset_at(cells, array, at) : at * cells->fixed;
	*n_out = cells->width ? offset_at(cells, array, at + 1) - *from_out : cells->fixed;
}

static bool same_lists(const struct same_column *a, const struct ArrowArray *in_a, int64_t i,
                       const struct same_column *b, const struct ArrowArray *in_b, int64_t j)
{
	int64_t from_a, from_b, n_a, n_b;

	range_of(a, in_a, i, &from_a, &n_a);
	range_of(b, in_b, j, &from_b, &n_b);
	if (n_a != n_b)
		return false;
	for (int64_t k = 0; k < n_a; k++)
		if (!same_values(&a->children[0], in_a->children[0], from_a + k, &b->children[0],
		                 in_b->children[0], from_b + k))
			return false;
	return true;
}

static bool same_structs(const struct same_column *a, const struct ArrowArray *in_a, int64_t i,
                         const struct same_column *b, const struct ArrowArray *in_b, int64_t j)
{
	if (a->n_children != b->n_children)
		return false;
	for (size_t c = 0; c < a->n_children; c++)
		if (!same_values(&a->children[c], in_a->children[c], i, &b->children[c],
		                 in_b->children[c], j))
			return false;
	return true;
}

static bool same_runs(const struct same_column *a, const struct ArrowArray *in_a, int64_t i,
                      const struct same_column *b, const struct ArrowArray *in_b, int64_t j)
{
	size_t len_a, len_b;
	const char *run_a = run_of(a, in_a, i, &len_a), *run_b = run_of(b, in_b, j, &len_b);

	return len_a == len_b && !memcmp(run_a, run_b, len_a);
}

bool same_values(const struct same_column *a, const struct ArrowArray *in_a, int64_t i,
                 const struct same_column *b, const struct ArrowArray *in_b, int64_t j)
{
	i += in_a->offset;
	j += in_b->offset;
	if (is_null(in_a, i) || is_null(in_b, j))
		return is_null(in_a, i) && is_null(in_b, j);
	resolve(&a, &in_a, &i);
	resolve(&b, &in_b, &j);
	if (a->form == SAME_LIST || b->form == SAME_LIST)
		return a->form == b->form && same_lists(a, in_a, i, b, in_b, j);
	if (a->form == SAME_STRUCT || b->form == SAME_STRUCT)
		return a->form == b->form && same_structs(a, in_a, i, b, in_b, j);
	if (a->form == SAME_RUNS || b->form == SAME_RUNS)
		return a->form == b->form && same_runs(a, in_a, i, b, in_b, j);
	if (a->form == SAME_BITS || b->form == SAME_BITS)
		return a->form == b->form && a->width == b->width &&
		       !memcmp((const char *)in_a->buffers[1] + (size_t)i * a->width,
		               (const char *)in_b->buffers[1] + (size_t)j * b->width, a->width);
	if (a->form == SAME_TIME || b->form == SAME_TIME)
		return same_time(a, bits_of(a, in_a, i), b, bits_of(b, in_b, j));
	if (a->form == b->form && a->width == b->width && !a->key)
		return bits_of(a, in_a, i) == bits_of(b, in_b, j);
	return same_number(a, bits_of(a, in_a, i), b, bits_of(b, in_b, j));
}

/* ---- hashes and lengths ----------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t bits)
{
	hash = (hash ^ bits) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

uint64_t same_hash(const struct same_column *cells, const struct ArrowArray *array, int64_t i,
                   uint64_t hash)
{
	const char *run;
	size_t len;

	i += array->offset;
	if (is_null(array, i))
		return mix(hash, 1);
	resolve(&cells, &array, &i);
	if (cells->form == SAME_INT || cells->form == SAME_UINT || cells->form == SAME_BOOL)
		return mix(hash, bits_of(cells, array, i));
	if (cells->form != SAME_RUNS)
		return hash;
	run = run_of(cells, array, i, &len);
	for (size_t at = 0; at < len; at += 8) {
		uint64_t piece = 0;

		memcpy(&piece, run + at, len - at < 8 ? len - at : 8);
		hash = mix(hash, piece);
	}
	return mix(hash, len);
}

uint64_t same_len(const struct same_column *cells, const struct ArrowArray *array, int64_t n)
{
	uint64_t len = (uint64_t)n * (cells->width ? cells->width : 16);
	int64_t from = array->offset, items = n;

	if (!n || cells->dictionary)
		return len;
	if (cells->form == SAME_RUNS && cells->width)
		len += (uint64_t)(offset_at(cells, array, from + n) -
		                  offset_at(cells, array, from));
	if (cells->form == SAME_RUNS && !cells->width)
		for (int64_t i = 0; i < n; i++) {
			size_t one;

			view_of(array, from + i, &one);
			len += one;
		}
	if (cells->form == SAME_LIST)
		items = cells->width
		                ? offset_at(cells, array, from + n) - offset_at(cells, array, from)
		                : n * cells->fixed;
	for (size_t c = 0; c < cells->n_children; c++)
		len += same_len(&cells->children[c], array->children[c], items);
	return len;
}
