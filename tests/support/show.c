#include "tests/support/show.h"
#include "codec/base/bits.h"
#include "codec/base/span.h"
#include "engine/schema/schema.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define TEXT_LEN 8192

struct text {
	char *at;
	size_t len;
};

static struct text next_text(void)
{
	static char room[16][TEXT_LEN];
	static unsigned turn;
	struct text t = { room[turn++ % 16], 0 };

	t.at[0] = 0;
	return t;
}

static void put(struct text *t, const char *word)
{
	size_t len = strlen(word);

	cr_assert_lt(t->len + len, TEXT_LEN, "too much to show");
	memcpy(t->at + t->len, word, len + 1);
	t->len += len;
}

/* ---- values ---- */

static void put_float(struct text *t, double v)
{
	char word[40];

	snprintf(word, sizeof word, "%.17g", v);
	for (int digits = 1; v == v && digits < 17; digits++) {
		double back;

		snprintf(word, sizeof word, "%.*g", digits, v);
		sscanf(word, "%lf", &back);
		if (back == v)
			break;
	}
	put(t, v != v ? "nan" : word);
}

static void put_bytes(struct text *t, const struct ArrowArray *a, size_t i, bool wide)
{
	const int64_t *large = a->buffers[1];
	const int32_t *small = a->buffers[1];
	int64_t from = wide ? large[i] : small[i], to = wide ? large[i + 1] : small[i + 1];
	char word[300];

	snprintf(word, sizeof word, "%.*s", (int)(to - from), (const char *)a->buffers[2] + from);
	put(t, word);
}

static void put_whole(struct text *t, char format, const void *at, size_t i)
{
	char word[40];

	switch (format) {
	case 'c': snprintf(word, sizeof word, "%d", ((const int8_t *)at)[i]); break;
	case 'C': snprintf(word, sizeof word, "%u", ((const uint8_t *)at)[i]); break;
	case 's': snprintf(word, sizeof word, "%d", ((const int16_t *)at)[i]); break;
	case 'S': snprintf(word, sizeof word, "%u", ((const uint16_t *)at)[i]); break;
	case 'i': snprintf(word, sizeof word, "%d", ((const int32_t *)at)[i]); break;
	case 'I': snprintf(word, sizeof word, "%u", ((const uint32_t *)at)[i]); break;
	case 'L':
		snprintf(word, sizeof word, "%llu", (unsigned long long)((const uint64_t *)at)[i]);
		break;
	default: snprintf(word, sizeof word, "%lld", (long long)((const int64_t *)at)[i]); break;
	}
	put(t, word);
}

static void put_value(struct text *t, const char *format, const struct ArrowArray *a, size_t row)
{
	size_t i = row + (size_t)a->offset;
	const uint8_t *validity = a->buffers[0];

	if (validity && !bitmap_get(validity, i))
		put(t, "-");
	else if (*format == 'g')
		put_float(t, ((const double *)a->buffers[1])[i]);
	else if (*format == 'f')
		put_float(t, (double)((const float *)a->buffers[1])[i]);
	else if (strchr("uz", *format) || strchr("UZ", *format))
		put_bytes(t, a, i, *format == 'U' || *format == 'Z');
	else if (*format == 'b')
		put(t, bitmap_get(a->buffers[1], i) ? "true" : "false");
	else
		put_whole(t, *format, a->buffers[1], i);
}

static void put_rows(struct text *t, const struct ArrowSchema *schema,
                     const struct ArrowArray *batch)
{
	for (int64_t i = 0; i < batch->length; i++) {
		if (t->len)
			put(t, "|");
		for (int64_t c = 0; c < batch->n_children; c++) {
			if (c)
				put(t, " ");
			put_value(t, schema->children[c]->format, batch->children[c], (size_t)i);
		}
	}
}

/* ---- scans ---- */

static void must(teg_status status, const teg_error *err, const char *what)
{
	cr_assert_eq(status, TEG_OK, "%s: %s: %s", what, teg_status_name(status), err->message);
}

const char *show_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch)
{
	struct text t = next_text();

	put_rows(&t, schema, batch);
	return t.at;
}

const char *show_at(teg_snapshot *snapshot, const char *name, const teg_scan_options *options)
{
	struct text t = next_text();
	teg_error err = { 0 };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_array *array;
	teg_scan *scan;
	teg_status status;

	must(teg_array_open(snapshot, name, &array, &err), &err, name);
	must(teg_scan_open(array, options, &scan, &err), &err, name);
	must(teg_scan_schema(scan, &schema, &err), &err, name);
	while ((status = teg_scan_next(scan, &batch, &err)) == TEG_OK) {
		put_rows(&t, &schema, &batch);
		batch.release(&batch);
	}
	cr_assert_eq(status, TEG_END, "%s: %s", name, err.message);
	schema.release(&schema);
	teg_scan_close(scan);
	teg_array_close(array);
	return t.at;
}

const char *show(teg_store *store, const char *name, const teg_scan_options *options)
{
	teg_error err = { 0 };
	teg_snapshot *snapshot;
	const char *text;

	must(teg_snapshot_open(store, &snapshot, &err), &err, "snapshot");
	text = show_at(snapshot, name, options);
	teg_snapshot_close(snapshot);
	return text;
}

const char *show_where(teg_store *store, const char *name, const char *words)
{
	teg_scan_options options = { .struct_size = sizeof options };
	teg_predicate *predicate;
	teg_error err = { 0 };
	const char *text;

	must(teg_predicate_parse(words, teg_allocator_default(), &predicate, &err), &err, words);
	options.predicate = predicate;
	text = show(store, name, &options);
	teg_predicate_free(predicate);
	return text;
}

const char *show_schema(teg_store *store, const char *name)
{
	struct text t = next_text();
	teg_error err = { 0 };
	teg_snapshot *snapshot;
	teg_array *array;
	const teg_spec *spec;

	must(teg_snapshot_open(store, &snapshot, &err), &err, "snapshot");
	must(teg_array_open(snapshot, name, &array, &err), &err, name);
	spec = teg_array_spec(array);
	for (size_t i = 0; i < spec->n_attributes; i++) {
		char type[96];

		type_name(&spec->attributes[i].type, type, sizeof type);
		put(&t, i ? ", " : "");
		put(&t, spec->attributes[i].name);
		put(&t, " ");
		put(&t, type);
		put(&t, spec->attributes[i].nullable ? "?" : "");
	}
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	return t.at;
}
