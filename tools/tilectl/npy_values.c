#include "tools/tilectl/npy_values.h"
#include <inttypes.h>
#include <string.h>
#include "tools/tilectl/arrow_make.h"

void npy_values_init(struct npy_values *values, const struct npy_header *header,
                     const struct npy_field *field)
{
	*values = (struct npy_values){ header, field, 0, npy_values_in_row(header, field) };
}

/* npy_row_len has said that a row is small. */
size_t npy_values_in_row(const struct npy_header *header, const struct npy_field *field)
{
	uint64_t n = field->n;

	for (size_t i = 1; i < header->rank; i++)
		n *= header->shape[i];
	return (size_t)n;
}

bool npy_values_nullable(const struct npy_values *values)
{
	return values->field->how == NPY_TIME || values->field->how == NPY_DATE;
}

static uint64_t read_uint(const uint8_t *at, size_t n, bool swap)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | at[swap ? i : n - 1 - i];
	return value;
}

static void add_plain(struct making *m, const struct npy_field *field, const uint8_t *at)
{
	uint8_t turned[8];

	if (!field->swap || field->type.type == TEG_FIXED_BYTES) {
		text_add(&m->values, (const char *)at, field->size);
		return;
	}
	for (size_t i = 0; i < field->size; i++)
		turned[i] = at[field->size - 1 - i];
	text_add(&m->values, (const char *)turned, field->size);
}

/* *valid_out is false for NaT. */
static bool add_time(struct making *m, const struct npy_field *field, const uint8_t *at,
                     bool *valid_out, struct why *why)
{
	int64_t value = (int64_t)read_uint(at, 8, field->swap);
	size_t width = field->how == NPY_DATE ? 4 : 8;

	*valid_out = value != INT64_MIN;
	if (!*valid_out)
		value = 0;
	if (__builtin_mul_overflow(value, field->factor, &value) ||
	    (width == 4 && value != (int32_t)value))
		return refuse(why, "the time does not fit");
	text_add(&m->values, (const char *)&value, width);
	return true;
}

static bool add_characters(struct making *m, const struct npy_field *field, const uint8_t *at,
                           struct why *why)
{
	size_t n = field->size / 4;

	while (n && !read_uint(at + (n - 1) * 4, 4, false))
		n--;
	for (size_t i = 0; i < n; i++) {
		uint64_t u = read_uint(at + i * 4, 4, field->swap);

		if (u > 0x10ffff || (u >= 0xd800 && u < 0xe000))
			return refuse(why, "%" PRIx64 " is not a character", u);
		npy_add_character(&m->heap, (uint32_t)u);
	}
	return true;
}

static void add_bytes(struct making *m, const struct npy_field *field, const uint8_t *at)
{
	size_t n = field->size;

	while (n && !at[n - 1])
		n--;
	text_add(&m->heap, (const char *)at, n);
}

static bool add_value(struct making *m, const struct npy_field *field, const uint8_t *at,
                      struct why *why)
{
	bool ok = true, valid = true;

	switch (field->how) {
	case NPY_PLAIN: add_plain(m, field, at); break;
	case NPY_BOOL:
		add_plain(m, field, at);
		ok = *at <= 1 || refuse(why, "%u is not a bool", *at);
		break;
	case NPY_TIME:
	case NPY_DATE: ok = add_time(m, field, at, &valid, why); break;
	case NPY_UCS4: ok = add_characters(m, field, at, why); break;
	case NPY_BYTES: add_bytes(m, field, at); break;
	}
	if (m->heap.len > INT32_MAX)
		ok = refuse(why, "its text is too long for one batch");
	making_end_value(m, valid);
	return ok;
}

/* Whether the values lie one after another in every row and are stored as they are. */
static bool is_whole(const struct npy_values *v, size_t row_len)
{
	return v->field->how == NPY_PLAIN && (!v->field->swap || v->field->size == 1) &&
	       v->n * v->field->size == row_len;
}

static bool read_each(const struct npy_values *v, const uint8_t *rows, size_t row_len,
                      size_t n_rows, struct making *m, uint64_t *row_out, struct why *why)
{
	const struct npy_field *field = v->field;

	for (size_t r = 0; r < n_rows; r++)
		for (size_t i = v->first; i < v->first + v->n; i++) {
			const uint8_t *at = rows + r * row_len +
			                    i / field->n * v->header->item_size + field->offset +
			                    i % field->n * field->size;

			*row_out = r;
			if (!add_value(m, field, at, why))
				return false;
		}
	return true;
}

bool npy_values_read(const struct npy_values *v, const uint8_t *rows, size_t row_len, size_t n_rows,
                     struct ArrowArray *array_out, uint64_t *row_out, struct why *why)
{
	bool runs = v->field->how == NPY_UCS4 || v->field->how == NPY_BYTES;
	struct making m;

	making_init(&m, runs, (int64_t)(n_rows * v->n), npy_values_nullable(v));
	if (is_whole(v, row_len)) {
		text_add(&m.values, (const char *)rows, n_rows * row_len);
		m.n = (int64_t)(n_rows * v->n);
	} else if (!read_each(v, rows, row_len, n_rows, &m, row_out, why)) {
		making_free(&m);
		return false;
	}
	if (v->field->how == NPY_BOOL)
		making_pack_bools(&m, 1);
	making_export(&m, array_out);
	return true;
}
