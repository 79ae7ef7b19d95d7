/* One value between its three forms: the caller's teg_value, the bytes of a column, the lane. */
#include <math.h>
#include "codec/base/utf8.h"
#include "engine/schema/schema.h"

static bool is_signed_integer(teg_type type)
{
	return type >= TEG_INT8 && type <= TEG_INT64;
}

static bool is_unsigned_integer(teg_type type)
{
	return type >= TEG_UINT8 && type <= TEG_UINT64;
}

static bool is_time(teg_type type)
{
	return type == TEG_DATE32 || type == TEG_TIMESTAMP || type == TEG_DURATION;
}

static bool is_float(teg_type type)
{
	return type >= TEG_FLOAT16 && type <= TEG_FLOAT64;
}

/* An integer of any kind: its sign and its two's complement bits. */
static bool take_integer(const teg_value *value, bool *negative_out, uint64_t *bits_out)
{
	if (is_unsigned_integer(value->type)) {
		*negative_out = false;
		*bits_out = value->as.u;
		return true;
	}
	if (!is_signed_integer(value->type) && !is_time(value->type))
		return false;
	*negative_out = value->as.i < 0;
	*bits_out = (uint64_t)value->as.i;
	return true;
}

static bool integer_fits(const struct field *field, bool negative, uint64_t bits)
{
	unsigned n_bits = 8 * field->width;

	if (field->class == VALUE_UNSIGNED)
		return !negative && (n_bits == 64 || bits >> n_bits == 0);
	if (negative)
		return (int64_t)bits >= -(INT64_C(1) << (n_bits - 2)) * 2;
	return bits >> (n_bits - 1) == 0;
}

/* The low `width` bytes of `bits` in the machine's order. */
static void store_word(uint64_t bits, uint32_t width, uint8_t *at)
{
	lane_to_value(VALUE_UNSIGNED, width, bits, at);
}

static bool integer_bytes(const struct field *field, const teg_value *value, uint8_t *at)
{
	bool negative;
	uint64_t bits;

	if (field->type.type == TEG_BOOL) {
		at[0] = value->as.i == 1;
		return value->type == TEG_BOOL && (value->as.i == 0 || value->as.i == 1);
	}
	/* A date is no duration: times go only into their own kind, or come as plain integers. */
	if (is_time(value->type) && value->type != field->type.type)
		return false;
	if (!take_integer(value, &negative, &bits) || !integer_fits(field, negative, bits))
		return false;
	store_word(bits, field->width, at);
	return true;
}

/* Only where the integer is a float64 exactly. */
static bool integer_as_float(const teg_value *value, double *out)
{
	bool negative;
	uint64_t bits, size;
	unsigned width;

	if (is_time(value->type) || !take_integer(value, &negative, &bits))
		return false;
	size = negative ? 0 - bits : bits;
	width = bit_width(size);
	if (width > 53 && size << (64 - width) << 53)
		return false;
	*out = negative ? -(double)size : (double)size;
	return true;
}

static void f16_bytes(double v, uint8_t *at)
{
	uint16_t bits;

	if (v != 0) {
		lane_to_value(VALUE_FLOAT, 2, lane_of_f64(v), at);
		return;
	}
	bits = signbit(v) ? 0x8000 : 0;
	memcpy(at, &bits, sizeof bits);
}

static bool float_bytes(const struct field *field, const teg_value *value, uint8_t *at)
{
	double v = value->as.f;
	float narrow;

	if (!is_float(value->type) && !integer_as_float(value, &v))
		return false;
	if (field->width == 8) {
		memcpy(at, &v, sizeof v);
		return true;
	}
	if (field->width == 4) {
		/* Out of float's range the cast would have no defined result. */
		if (isfinite(v) && (v > 3.4028234663852886e38 || v < -3.4028234663852886e38))
			return false;
		narrow = (float)v;
		memcpy(at, &narrow, sizeof narrow);
	} else {
		f16_bytes(v, at);
	}
	return lane_of_value(VALUE_FLOAT, span_of(at, field->width)) == lane_of_f64(v);
}

static bool run_bytes(const struct field *field, const teg_value *value, struct span *bytes_out)
{
	bool text = field->type.type == TEG_UTF8;

	*bytes_out = span_of(value->as.bytes.at ? value->as.bytes.at : "", value->as.bytes.len);
	if (text)
		return value->type == TEG_UTF8 && utf8_valid(*bytes_out);
	if (value->type != TEG_BYTES && value->type != TEG_FIXED_BYTES)
		return false;
	return field->shape == COLUMN_BYTES || bytes_out->len == field->width;
}

bool value_bytes(const struct field *field, const teg_value *value, uint8_t room[16],
                 struct span *bytes_out)
{
	*bytes_out = span_of(room, field->width);
	switch (field->class) {
	case VALUE_UNSIGNED:
	case VALUE_SIGNED: return integer_bytes(field, value, room);
	case VALUE_FLOAT: return float_bytes(field, value, room);
	case VALUE_WIDE:
		*bytes_out = span_of(value->as.bytes.at, value->as.bytes.len);
		return value->type == TEG_DECIMAL128 && bytes_out->len == 16 && bytes_out->at;
	case VALUE_BYTES: return run_bytes(field, value, bytes_out);
	case VALUE_OPAQUE:
	case VALUE_OFFSETS: break;
	}
	return false;
}

bool value_lane(const struct field *field, const teg_value *value, uint64_t *lane_out)
{
	uint8_t room[16];
	struct span bytes;

	if (!value_bytes(field, value, room, &bytes))
		return false;
	*lane_out = lane_of_value(field->class, bytes);
	return true;
}

/* Keeps the sign of zero, which a lane does not. */
static double float_of_bytes(struct span bytes)
{
	double v;
	float narrow;

	if (bytes.len == 8) {
		memcpy(&v, bytes.at, sizeof v);
		return v;
	}
	if (bytes.len == 4) {
		memcpy(&narrow, bytes.at, sizeof narrow);
		return (double)narrow;
	}
	v = lane_to_f64(lane_of_value(VALUE_FLOAT, bytes));
	return v == 0 && bytes.at[1] & 0x80 ? -0.0 : v;
}

teg_value value_of_bytes(const struct field *field, struct span bytes)
{
	teg_value value = { .type = field->type.type };

	switch (field->class) {
	case VALUE_UNSIGNED: value.as.u = lane_of_value(VALUE_UNSIGNED, bytes); break;
	case VALUE_SIGNED: value.as.i = lane_to_i64(lane_of_value(VALUE_SIGNED, bytes)); break;
	case VALUE_FLOAT: value.as.f = float_of_bytes(bytes); break;
	case VALUE_BYTES:
	case VALUE_WIDE:
	case VALUE_OPAQUE:
	case VALUE_OFFSETS:
		value.as.bytes.at = bytes.at;
		value.as.bytes.len = bytes.len;
		break;
	}
	return value;
}

teg_value value_of_lane(const struct field *field, uint64_t lane, uint8_t room[8])
{
	size_t len = 8;

	if (field->class == VALUE_WIDE || field->class == VALUE_OPAQUE)
		return (teg_value){ 0 };
	if (field->class != VALUE_BYTES) {
		lane_to_value(field->class, field->width, lane, room);
		return value_of_bytes(field, span_of(room, field->width));
	}
	for (int i = 0; i < 8; i++)
		room[i] = (uint8_t)(lane >> (56 - 8 * i));
	while (len && !room[len - 1])
		len--;
	return value_of_bytes(field, span_of(room, len));
}
