/* Touching every value of an Arrow batch, at the speed of memory. */
#include "bench/sum.h"

#include <stdlib.h>
#include <string.h>

uint64_t sum_bytes(const void *buffer, size_t len)
{
	const unsigned char *at = buffer;
	uint64_t sums[8] = { 0 }, word, sum = 0;
	size_t i = 0;

	/* Eight sums, so that the compiler may use vectors. */
	for (; i + sizeof sums <= len; i += sizeof sums) {
		uint64_t words[8];

		memcpy(words, at + i, sizeof words);
		for (int k = 0; k < 8; k++)
			sums[k] += words[k];
	}
	for (; i + sizeof word <= len; i += sizeof word) {
		memcpy(&word, at + i, sizeof word);
		sum += word;
	}
	for (; i < len; i++)
		sum += at[i];
	for (int k = 0; k < 8; k++)
		sum += sums[k];
	return sum;
}

/* Bytes of a value by Arrow format; 0: text or bytes with offsets; -1: bits. */
static int width_of(const char *format)
{
	switch (format[0]) {
	case 'b': return -1;
	case 'c':
	case 'C': return 1;
	case 's':
	case 'S':
	case 'e': return 2;
	case 'i':
	case 'I':
	case 'f': return 4;
	case 't': return format[1] == 'd' && format[2] == 'D' ? 4 : 8;
	case 'd': return 16;
	case 'l':
	case 'L':
	case 'g': return 8;
	default: return 0;
	}
}

static uint64_t sum_values(const struct ArrowSchema *type, const struct ArrowArray *column,
                           size_t at, size_t n);

/* Lists, fixed-size lists and structs: what children hold of values [at, at + n). */
static uint64_t sum_children(const struct ArrowSchema *type, const struct ArrowArray *column,
                             size_t at, size_t n)
{
	const int32_t *offsets = column->buffers[column->n_buffers - 1];
	size_t from = at, count = n;
	uint64_t sum = 0;

	if (type->format[1] == 'l') {
		if (!n)
			return 0;
		sum = sum_bytes(offsets + at, (n + 1) * sizeof *offsets);
		from = (size_t)offsets[at];
		count = (size_t)(offsets[at + n] - offsets[at]);
	} else if (type->format[1] == 'w') {
		size_t size = (size_t)strtoul(type->format + 3, NULL, 10);

		from *= size;
		count *= size;
	}
	for (int64_t i = 0; i < column->n_children; i++)
		sum += sum_values(type->children[i], column->children[i],
		                  (size_t)column->children[i]->offset + from, count);
	return sum;
}

static uint64_t sum_text(const struct ArrowArray *column, size_t at, size_t n)
{
	const int32_t *offsets = column->buffers[1];

	if (!n || !offsets)
		return 0;
	offsets += at;
	return sum_bytes(offsets, (n + 1) * sizeof *offsets) +
	       sum_bytes((const char *)column->buffers[2] + offsets[0],
	                 (size_t)(offsets[n] - offsets[0]));
}

static uint64_t sum_values(const struct ArrowSchema *type, const struct ArrowArray *column,
                           size_t at, size_t n)
{
	int width = width_of(type->format);
	uint64_t sum = 0;

	if (column->buffers[0])
		sum += sum_bytes((const char *)column->buffers[0] + at / 8, (n + 7) / 8);
	if (type->format[0] == '+')
		return sum + sum_children(type, column, at, n);
	if (width < 0)
		return sum + sum_bytes((const char *)column->buffers[1] + at / 8, (n + 7) / 8);
	if (width > 0)
		return sum + sum_bytes((const char *)column->buffers[1] + at * (size_t)width,
		                       n * (size_t)width);
	return sum + sum_text(column, at, n);
}

uint64_t sum_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch)
{
	uint64_t sum = 0;

	for (int64_t i = 0; i < batch->n_children; i++)
		sum += sum_values(schema->children[i], batch->children[i],
		                  (size_t)batch->children[i]->offset,
		                  (size_t)batch->children[i]->length);
	return sum;
}
