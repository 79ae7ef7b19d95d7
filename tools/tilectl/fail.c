#include "tools/tilectl/fail.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include "tools/tilectl/text.h"

bool refuse(struct why *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof why->text, format, args);
	va_end(args);
	return false;
}

int exit_code_of(teg_status status)
{
	switch (status) {
	case TEG_OK: return EXIT_OK;
	case TEG_CORRUPT: return EXIT_DAMAGE;
	case TEG_MISUSE: return EXIT_USAGE;
	default: return EXIT_FAILED;
	}
}

static void add_place(struct text *line, bool *any, const char *what, const char *where)
{
	text_addf(line, "%s%s %s", *any ? ", " : " (", what, where);
	*any = true;
}

static void add_number(struct text *line, bool *any, const char *what, int64_t number)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRId64, number);
	add_place(line, any, what, digits);
}

int fail_call(const teg_error *err)
{
	struct text line = { NULL, 0, 0 };
	bool any = false;

	text_addf(&line, "tilectl: %s",
	          err->message[0] ? err->message : teg_status_name(err->status));
	if (err->file[0])
		add_place(&line, &any, "file", err->file);
	if (err->array[0])
		add_place(&line, &any, "array", err->array);
	if (err->column[0])
		add_place(&line, &any, "column", err->column);
	if (err->row >= 0)
		add_number(&line, &any, "row", err->row);
	if (err->offset >= 0)
		add_number(&line, &any, "offset", err->offset);
	fprintf(stderr, "%s%s\n", text_string(&line), any ? ")" : "");
	text_free(&line);
	return exit_code_of(err->status);
}

int fail_with(int code, const char *format, ...)
{
	va_list args;

	fputs("tilectl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}
