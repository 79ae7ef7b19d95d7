/* tilectl proof: checks a receipt of an erasure against a store. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "engine/tegula_unstable.h"
#include "tools/tilectl/opt.h"
#include "tools/tilectl/receipt.h"
#include "tools/tilectl/session.h"

struct proving {
	const struct args *args;
	struct receipt receipt;
	const char *array; /* being searched */
	uint64_t n_files, n_segments, n_values, n_found;
	int code;
};

static void find_wrong(struct proving *p, const char *what, const char *where)
{
	fprintf(stderr, "tilectl: %s: %s\n", what, where);
	p->n_found++;
}

/* ---- files that must be absent ---- */

static void check_removed(struct proving *p)
{
	for (size_t i = 0; i < p->receipt.n_removed; i++) {
		struct text path = { 0 };
		struct stat st;

		text_addf(&path, "%s/%s", p->args->operand[0], p->receipt.removed[i]);
		if (lstat(path.at, &st) == 0)
			find_wrong(p, "a file listed as removed is there", p->receipt.removed[i]);
		text_free(&path);
	}
}

/* ---- segments ---- */

static bool check_segment(void *ctx, const teg_segment_info *s)
{
	struct proving *p = ctx;

	p->n_segments++;
	if (s->erased_through < p->receipt.version)
		find_wrong(p, "a segment was written before the erasure and not since", s->object);
	return true;
}

/* ---- needles ---- */

static bool holds(const void *bytes, size_t len, const char *needle)
{
	size_t n = strlen(needle);
	const char *at = bytes, *end = at + len;

	if (!n)
		return false;
	while ((size_t)(end - at) >= n &&
	       (at = memchr(at, needle[0], (size_t)(end - at) - n + 1))) {
		if (!memcmp(at, needle, n))
			return true;
		at++;
	}
	return false;
}

/* Bytes of a value that an integer can be looked for in. */
static size_t integer_width(teg_type type)
{
	switch (type) {
	case TEG_INT8:
	case TEG_UINT8: return 1;
	case TEG_INT16:
	case TEG_UINT16: return 2;
	case TEG_INT32:
	case TEG_UINT32:
	case TEG_DATE32: return 4;
	case TEG_INT64:
	case TEG_UINT64:
	case TEG_TIMESTAMP:
	case TEG_DURATION: return 8;
	default: return 0;
	}
}

static bool holds_value(const void *bytes, size_t len, const void *value, size_t width)
{
	for (size_t i = 0; i + width <= len; i += width)
		if (!memcmp((const char *)bytes + i, value, width))
			return true;
	return false;
}

/* A number is looked for as a value of the columns that can hold it. */
static bool holds_number(teg_type type, const void *bytes, size_t len, const char *needle)
{
	char *end, *end_real;
	uint64_t whole = (uint64_t)strtoll(needle, &end, 10);
	double real = strtod(needle, &end_real);
	float narrow = (float)real;

	if (!*needle || *end_real)
		return false;
	if (type == TEG_FLOAT64)
		return holds_value(bytes, len, &real, sizeof real);
	if (type == TEG_FLOAT32)
		return holds_value(bytes, len, &narrow, sizeof narrow);
	/* The low bytes come first. */
	return !*end && integer_width(type) && holds_value(bytes, len, &whole, integer_width(type));
}

static bool search_values(void *ctx, const char *column, teg_type type, const void *bytes,
                          size_t len)
{
	struct proving *p = ctx;

	p->n_values++;
	for (size_t i = 0; i < p->args->n_needles; i++)
		if (holds(bytes, len, p->args->needle[i]) ||
		    holds_number(type, bytes, len, p->args->needle[i])) {
			struct text where = { 0 };

			text_addf(&where, "needle %zu, array %s, column %s", i + 1, p->array,
			          column);
			find_wrong(p, "found among decoded values", where.at);
			text_free(&where);
		}
	return true;
}

static int search_array(void *ctx, teg_array *array)
{
	struct proving *p = ctx;
	teg_error err;

	p->array = teg_array_name(array);
	if (p->receipt.version && !strcmp(p->array, p->receipt.array) &&
	    teg_walk_segments(array, check_segment, p, &err) != TEG_OK)
		return fail_call(&err);
	if (p->args->n_needles && teg_walk_values(array, search_values, p, &err) != TEG_OK)
		return fail_call(&err);
	return EXIT_OK;
}

static void search_file(struct proving *p, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct text bytes = { 0 };
	char piece[65536];
	size_t n;

	if (!file)
		return; /* it went meanwhile */
	while ((n = fread(piece, 1, sizeof piece, file)) > 0)
		text_add(&bytes, piece, n);
	fclose(file);
	p->n_files++;
	for (size_t i = 0; i < p->args->n_needles; i++)
		if (holds(bytes.at, bytes.len, p->args->needle[i]))
			find_wrong(p, "found in the bytes of a file", path);
	text_free(&bytes);
}

static void search_directory(struct proving *p, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct text below = { 0 };
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		text_addf(&below, "%s/%s", path, entry->d_name);
		if (lstat(below.at, &st) == 0 && S_ISDIR(st.st_mode))
			search_directory(p, below.at);
		else
			search_file(p, below.at);
		text_free(&below);
	}
	if (dir)
		closedir(dir);
}

/* ---- the whole ---- */

static int report_proof(const struct proving *p)
{
	static const struct report_column columns[] = {
		{ "proven", false }, { "removed", true }, { "segments", true }, { "needles", true },
		{ "files", true },   { "columns", true }, { "findings", true },
	};
	struct report r;

	report_begin(&r, "proof", NULL, columns, sizeof columns / sizeof *columns,
	             args_format(p->args));
	report_bool(&r, !p->n_found);
	report_u64(&r, p->receipt.n_removed);
	report_u64(&r, p->n_segments);
	report_u64(&r, p->args->n_needles);
	report_u64(&r, p->n_files);
	report_u64(&r, p->n_values);
	report_u64(&r, p->n_found);
	report_end_row(&r);
	return report_end(&r);
}

static int run(const struct args *args)
{
	struct proving p = { .args = args };
	struct session session = { NULL, NULL, NULL };
	int code = receipt_read(args->operand[1], &p.receipt);

	if (code == EXIT_OK)
		code = session_open(&session, args->operand[0], NULL);
	if (code == EXIT_OK) {
		check_removed(&p);
		code = session_each_array(&session, NULL, search_array, &p);
	}
	if (code == EXIT_OK && args->n_needles)
		search_directory(&p, args->operand[0]);
	if (code == EXIT_OK)
		code = report_proof(&p);
	if (code == EXIT_OK && p.n_found)
		code = EXIT_FAILED;
	receipt_release(&p.receipt);
	session_close(&session);
	return code;
}

static const enum opt_id opts[] = { OPT_NEEDLE, OPT_FORMAT, OPT_END };

const struct command cmd_proof = {
	"proof",
	"STORE RECEIPT",
	"check that erased content is gone",
	"RECEIPT is what tilectl erase printed. Every file it lists as removed must be absent, and every\n"
	"segment of the array must have been written with the erasure applied. Each --needle is\n"
	"searched for in the bytes of every file of the store and among the decoded values of every\n"
	"segment, superseded ones too; a number also as a value of columns of integers, times and\n"
	"floats. Exit code 1 where anything is found.\n",
	opts,
	false,
	run
};
