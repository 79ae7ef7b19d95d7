#include "tools/tilectl/npy.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/number.h"
#include "tools/tilectl/text.h"

static const char magic[] = "\x93NUMPY";

bool npy_header_len(const uint8_t *bytes, size_t len, size_t *len_out, struct why *why)
{
	size_t n;

	if (len < NPY_PREFIX || memcmp(bytes, magic, 6) != 0)
		return refuse(why, "it is not a .npy file");
	if (bytes[6] < 1 || bytes[6] > 3 || bytes[7])
		return refuse(why, "version %u.%u of .npy is not known", bytes[6], bytes[7]);
	n = bytes[8] | (size_t)bytes[9] << 8;
	if (bytes[6] > 1)
		n |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
	if (n > NPY_MAX_HEADER)
		return refuse(why, "its header claims %zu bytes", n);
	*len_out = n + (bytes[6] > 1 ? 12 : 10);
	return *len_out >= NPY_PREFIX || refuse(why, "its header is too short");
}

/* ---- the literal ------------------------------------------------------------------------------ */

struct cursor {
	const char *start, *at, *end;
	struct why *why;
};

static bool wrong(struct cursor *c, const char *what)
{
	return refuse(c->why, "offset %zu: %s", (size_t)(c->at - c->start), what);
}

static void skip_space(struct cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t'))
		c->at++;
}

static bool take(struct cursor *c, char sign)
{
	skip_space(c);
	if (c->at == c->end || *c->at != sign)
		return false;
	c->at++;
	return true;
}

static bool take_word(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	skip_space(c);
	if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
		return false;
	c->at += len;
	return true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

void npy_add_character(struct text *out, uint32_t u)
{
	char bytes[4];
	size_t n = u < 0x80 ? 1 : u < 0x800 ? 2 : u < 0x10000 ? 3 : 4;
	static const unsigned char heads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; u >>= 6)
		bytes[i] = (char)(0x80 | (u & 0x3f));
	bytes[0] = (char)(heads[n] | u);
	text_add(out, bytes, n);
}

/* \xHH, \uHHHH, \UHHHHHHHH and a quote or backslash: what Python's repr writes. */
static bool take_escape(struct cursor *c, struct text *out)
{
	char kind = c->at < c->end ? *c->at++ : '\0';
	int n = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
	uint32_t u = 0;

	if (kind == '\\' || kind == '\'' || kind == '"') {
		text_add(out, &kind, 1);
		return true;
	}
	if (kind == 't' || kind == 'n' || kind == 'r') {
		text_add(out, kind == 't' ? "\t" : kind == 'n' ? "\n" : "\r", 1);
		return true;
	}
	for (int i = 0; i < n; i++) {
		int digit = c->at < c->end ? hex_digit(*c->at++) : -1;

		if (digit < 0)
			return wrong(c, "an escape is not whole");
		u = u << 4 | (uint32_t)digit;
	}
	if (!n || !u || u > 0x10ffff || (u >= 0xd800 && u < 0xe000))
		return wrong(c, "an escape is not known");
	npy_add_character(out, u);
	return true;
}

/* Version 1 and 2 are latin-1, version 3 is UTF-8: `latin` turns the former into the latter. */
static bool take_string(struct cursor *c, bool latin, struct text *out)
{
	char quote;

	skip_space(c);
	if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
		return wrong(c, "a string is expected");
	quote = *c->at++;
	text_clear(out);
	text_adds(out, "");
	while (c->at < c->end && *c->at != quote) {
		unsigned char byte = (unsigned char)*c->at++;

		if (!byte)
			return wrong(c, "there is a zero byte in a string");
		if (byte == '\\') {
			if (!take_escape(c, out))
				return false;
		} else if (latin) {
			npy_add_character(out, byte);
		} else {
			text_add(out, (const char *)&byte, 1);
		}
	}
	return take(c, quote) || wrong(c, "a string is not closed");
}

/* (3, 4), (3,), () */
static bool take_shape(struct cursor *c, size_t *rank_out, uint64_t *shape_out)
{
	*rank_out = 0;
	if (!take(c, '('))
		return wrong(c, "a shape is expected");
	while (!take(c, ')')) {
		const char *digits;

		if (*rank_out == NPY_MAX_RANK)
			return wrong(c, "there are too many dimensions");
		skip_space(c);
		digits = c->at;
		while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
			c->at++;
		if (!number_read_uint(digits, (size_t)(c->at - digits), INT64_MAX,
		                      &shape_out[*rank_out]))
			return wrong(c, "a length is expected");
		++*rank_out;
		if (c->at < c->end && *c->at == 'L') /* Python 2 wrote it */
			c->at++;
		if (!take(c, ',') && (c->at == c->end || *c->at != ')'))
			return wrong(c, "a comma is expected");
	}
	return true;
}

/* ---- types ------------------------------------------------------------------------------------ */

static const struct {
	char kind;
	size_t size;
	teg_type type;
} plain_types[] = {
	{ 'b', 1, TEG_BOOL },    { 'i', 1, TEG_INT8 },    { 'i', 2, TEG_INT16 },
	{ 'i', 4, TEG_INT32 },   { 'i', 8, TEG_INT64 },   { 'u', 1, TEG_UINT8 },
	{ 'u', 2, TEG_UINT16 },  { 'u', 4, TEG_UINT32 },  { 'u', 8, TEG_UINT64 },
	{ 'f', 2, TEG_FLOAT16 }, { 'f', 4, TEG_FLOAT32 }, { 'f', 8, TEG_FLOAT64 },
};

static const struct {
	const char *name;
	teg_time_unit unit;
	int64_t factor, days; /* of `unit`; of days, where the unit is one or more of them */
} time_units[] = {
	{ "s", TEG_SECOND, 1, 0 },     { "ms", TEG_MILLI, 1, 0 },
	{ "us", TEG_MICRO, 1, 0 },     { "ns", TEG_NANO, 1, 0 },
	{ "m", TEG_SECOND, 60, 0 },    { "h", TEG_SECOND, 3600, 0 },
	{ "D", TEG_SECOND, 86400, 1 }, { "W", TEG_SECOND, 7 * 86400, 7 },
};

/* [us], [10ms] of datetime64 (kind M) and timedelta64 (kind m). */
static bool read_time_unit(char kind, const char *at, struct npy_field *field)
{
	size_t digits = strspn(at + (*at == '['), "0123456789"), len;
	uint64_t times = 1;

	if (*at++ != '[')
		return false;
	if (digits && !number_read_uint(at, digits, 1000000, &times))
		return false;
	at += digits;
	len = strcspn(at, "]");
	for (size_t i = 0; i < sizeof time_units / sizeof *time_units; i++) {
		if (strlen(time_units[i].name) != len || memcmp(at, time_units[i].name, len) != 0 ||
		    strcmp(at + len, "]") != 0 || !times)
			continue;
		field->how = kind == 'M' && time_units[i].days ? NPY_DATE : NPY_TIME;
		field->factor = (int64_t)times * (field->how == NPY_DATE ? time_units[i].days
		                                                         : time_units[i].factor);
		field->type.type = field->how == NPY_DATE ? TEG_DATE32
		                   : kind == 'M'          ? TEG_TIMESTAMP
		                                          : TEG_DURATION;
		field->type.unit = time_units[i].unit;
		return true;
	}
	return false;
}

/* 'S5', 'U5' and 'V5': the size counts bytes or characters. */
static bool read_sized(char kind, size_t size, struct npy_field *field)
{
	if (kind == 'V' && (!size || size > 65535))
		return false;
	field->how = kind == 'U' ? NPY_UCS4 : kind == 'S' ? NPY_BYTES : NPY_PLAIN;
	field->type.type = kind == 'U' ? TEG_UTF8 : kind == 'S' ? TEG_BYTES : TEG_FIXED_BYTES;
	field->type.fixed_len = kind == 'V' ? (uint32_t)size : 0;
	field->size = kind == 'U' ? size * 4 : size;
	return true;
}

static bool read_dtype(const char *name, struct npy_field *field)
{
	size_t order = strspn(name, "<>|=") ? 1 : 0, digits;
	char kind = name[order];
	uint64_t size;

	field->swap = order && name[0] == '>';
	if (!order || name[0] == '=' || !kind)
		return false;
	digits = strspn(name + order + 1, "0123456789");
	if (!number_read_uint(name + order + 1, digits, 1 << 24, &size))
		return false;
	field->size = (size_t)size;
	name += order + 1 + digits;
	if ((kind == 'M' || kind == 'm') && size == 8)
		return read_time_unit(kind, name, field);
	if (*name)
		return false;
	if (kind == 'S' || kind == 'U' || kind == 'V')
		return read_sized(kind, (size_t)size, field);
	for (size_t i = 0; i < sizeof plain_types / sizeof *plain_types; i++)
		if (plain_types[i].kind == kind && plain_types[i].size == size) {
			field->type.type = plain_types[i].type;
			field->how = kind == 'b' ? NPY_BOOL : NPY_PLAIN;
			return true;
		}
	return false;
}

/* What the type is called where people meet it. */
static const char *name_of_kind(const char *name)
{
	name += strspn(name, "<>|=");
	switch (*name) {
	case 'O': return "Python objects";
	case 'c': return "complex numbers";
	case 'f': return "long doubles";
	case 'M':
	case 'm': return "times of another unit than W D h m s ms us ns";
	default: return "values of this type";
	}
}

static bool product(const uint64_t *shape, size_t rank, uint64_t *product_out)
{
	*product_out = 1;
	for (size_t i = 0; i < rank; i++)
		if (__builtin_mul_overflow(*product_out, shape[i], product_out) ||
		    *product_out > INT64_MAX)
			return false;
	return true;
}

/* Adds a field of the dtype behind those there are; padding has no name and leaves only room. */
static bool add_field(struct cursor *c, struct npy_header *h, const char *name, const char *dtype,
                      struct npy_field *field)
{
	uint64_t n;

	if (!read_dtype(dtype, field)) {
		c->why->text[0] = '\0';
		return refuse(c->why, "%s%s%s%s cannot be stored ('%.40s')", name ? "column " : "",
		              name ? name : "", name ? ": " : "", name_of_kind(dtype), dtype);
	}
	if (!product(field->shape, field->rank, &n) || !n || n > 1u << 24 ||
	    (field->size && n > (1u << 28) / field->size))
		return wrong(c, "a field is too large");
	field->n = (size_t)n;
	field->offset = h->item_size;
	h->item_size += field->size * field->n;
	if (h->item_size > 1u << 28)
		return wrong(c, "an item is too large");
	if (name && !name[0]) /* padding */
		return field->how == NPY_PLAIN && field->type.type == TEG_FIXED_BYTES
		               ? true
		               : wrong(c, "a field has no name");
	if (h->n_fields == NPY_MAX_FIELDS)
		return wrong(c, "there are too many fields");
	for (size_t i = 0; name && i < h->n_fields; i++)
		if (!strcmp(h->fields[i].name, name))
			return wrong(c, "a field is there twice");
	if (!(h->n_fields & (h->n_fields + 1)))
		h->fields = need_more(h->fields, 2 * h->n_fields + 1, sizeof *h->fields);
	if (name)
		field->name = strcpy(need_memory(strlen(name) + 1, 1), name);
	h->fields[h->n_fields++] = *field;
	return true;
}

static bool close(struct cursor *c)
{
	return take(c, ')') || wrong(c, "a ) is expected");
}

static bool comma(struct cursor *c)
{
	return take(c, ',') || wrong(c, "a comma is expected");
}

/* ('name', '<f8'), (('title', 'name'), '<f8'), ('name', '<f8', (3,)) */
static bool take_field(struct cursor *c, bool latin, struct npy_header *h)
{
	struct npy_field field = { .name = NULL };
	struct text name = { NULL, 0, 0 }, dtype = { NULL, 0, 0 };
	bool ok = take(c, '(') || wrong(c, "a field is expected");

	if (ok && take(c, '('))
		ok = take_string(c, latin, &name) && comma(c) && take_string(c, latin, &name) &&
		     close(c);
	else if (ok)
		ok = take_string(c, latin, &name);
	ok = ok && comma(c);
	skip_space(c);
	if (ok && c->at < c->end && *c->at == '[')
		ok = refuse(c->why, "column %.80s: records inside records cannot be stored",
		            text_string(&name));
	ok = ok && take_string(c, latin, &dtype);
	if (ok && take(c, ','))
		ok = take(c, ')') || (take_shape(c, &field.rank, field.shape) && close(c));
	else
		ok = ok && close(c);
	ok = ok && add_field(c, h, name.at, dtype.at, &field);
	text_free(&name);
	text_free(&dtype);
	return ok;
}

static bool take_descr(struct cursor *c, bool latin, struct npy_header *h)
{
	struct npy_field field = { .name = NULL };
	struct text dtype = { NULL, 0, 0 };
	bool ok;

	if (!take(c, '[')) {
		ok = take_string(c, latin, &dtype) && add_field(c, h, NULL, dtype.at, &field);
		text_free(&dtype);
		return ok;
	}
	while (!take(c, ']')) {
		if (!take_field(c, latin, h))
			return false;
		if (!take(c, ',') && (c->at == c->end || *c->at != ']'))
			return wrong(c, "a comma is expected");
	}
	return h->n_fields || wrong(c, "there is no field");
}

static bool take_key(struct cursor *c, bool latin, struct npy_header *h, unsigned *seen)
{
	static const char *const keys[] = { "descr", "fortran_order", "shape" };
	struct text key = { NULL, 0, 0 };
	unsigned k = 0;
	bool ok = take_string(c, latin, &key);

	while (ok && k < 3 && strcmp(keys[k], key.at) != 0)
		k++;
	text_free(&key);
	if (!ok)
		return false;
	if (k == 3 || *seen & 1u << k || !take(c, ':'))
		return wrong(c, "a key is wrong");
	*seen |= 1u << k;
	if (k == 0)
		return take_descr(c, latin, h);
	if (k == 2)
		return take_shape(c, &h->rank, h->shape);
	h->fortran = take_word(c, "True");
	return h->fortran || take_word(c, "False") || wrong(c, "True or False is expected");
}

static bool take_literal(struct cursor *c, bool latin, struct npy_header *h)
{
	unsigned seen = 0;

	if (!take(c, '{'))
		return wrong(c, "a dictionary is expected");
	while (!take(c, '}')) {
		if (!take_key(c, latin, h, &seen))
			return false;
		if (!take(c, ',') && (c->at == c->end || *c->at != '}'))
			return wrong(c, "a comma is expected");
	}
	if (seen != 7)
		return wrong(c, "a key is missing");
	skip_space(c);
	return c->at == c->end || wrong(c, "there is more than one literal");
}

bool npy_read_header(const uint8_t *bytes, size_t len, struct npy_header *header_out,
                     struct why *why)
{
	struct cursor c = { (const char *)bytes, NULL, (const char *)bytes + len, why };
	bool latin;
	size_t whole;

	*header_out = (struct npy_header){ .len = len };
	if (!npy_header_len(bytes, len, &whole, why))
		return false;
	if (whole != len)
		return refuse(why, "its header is cut off");
	latin = bytes[6] < 3;
	c.at = c.start + (bytes[6] > 1 ? 12 : 10);
	if (!take_literal(&c, latin, header_out))
		return false;
	if (!product(header_out->shape, header_out->rank, &header_out->n_items) ||
	    __builtin_mul_overflow(header_out->n_items, header_out->item_size,
	                           &header_out->data_len) ||
	    header_out->data_len > INT64_MAX)
		return refuse(why, "its shape is too large");
	return true;
}

void npy_header_free(struct npy_header *header)
{
	for (size_t i = 0; i < header->n_fields; i++)
		free(header->fields[i].name);
	free(header->fields);
	*header = (struct npy_header){ .fields = NULL };
}

size_t npy_width(teg_type type)
{
	for (size_t i = 0; i < sizeof plain_types / sizeof *plain_types; i++)
		if (plain_types[i].type == type)
			return plain_types[i].size;
	return type == TEG_DATE32 ? 4 : 8;
}

bool npy_type_name(const teg_data_type *type, char name_out[16])
{
	static const char *const units[] = { "s", "ms", "us", "ns" };
	unsigned len;

	for (size_t i = 0; i < sizeof plain_types / sizeof *plain_types; i++)
		if (plain_types[i].type == type->type) {
			len = (unsigned)plain_types[i].size;
			snprintf(name_out, 16, "%c%c%u", len == 1 ? '|' : '<', plain_types[i].kind,
			         len);
			return true;
		}
	if (type->type == TEG_TIMESTAMP || type->type == TEG_DURATION)
		snprintf(name_out, 16, "<%c8[%s]", type->type == TEG_TIMESTAMP ? 'M' : 'm',
		         units[type->unit]);
	else if (type->type == TEG_DATE32)
		snprintf(name_out, 16, "<M8[D]");
	else
		return false;
	return true;
}
