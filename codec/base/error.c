#include "codec/base/error.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *teg_status_name(teg_status status)
{
	static const char *const names[] = {
		"ok",
		"io",
		"corrupt",
		"unsupported",
		"limit",
		"nomem",
		"misuse",
		"not_found",
		"exists",
		"conflict",
		"schema",
		"domain",
		"time_order",
		"key_reused",
		"snapshot_expired",
		"beyond_horizon",
		"cancelled",
		"commit_unknown",
		"read_only",
		"internal",
	};
	int n_names = (int)(sizeof names / sizeof *names);

	if (status == TEG_END)
		return "end";
	/* Compared before it is negated: a caller may hand in any number. */
	if ((int)status > 0 || (int)status <= -n_names)
		return "unknown";
	return names[-(int)status];
}

static bool continues_a_character(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Copies what fits and never cuts a UTF-8 character in two. */
static void copy_text(char *to, size_t room, const char *from)
{
	size_t len = strlen(from);

	if (len >= room) {
		len = room - 1;
		while (len && continues_a_character(from[len]))
			len--;
	}
	memcpy(to, from, len);
	to[len] = 0;
}

/* Prints what fits. Where the last character was cut, its first byte promises more than follow:
 * then all of it goes. */
static void print_text(char *to, size_t room, const char *format, va_list args)
{
	int whole = vsnprintf(to, room, format, args);
	size_t first = strlen(to);
	size_t len = first;
	unsigned char lead;

	if (whole < 0 || (size_t)whole < room)
		return;
	while (first && continues_a_character(to[first - 1]))
		first--;
	lead = first ? (unsigned char)to[first - 1] : 0;
	if (lead >= 0xc0 && len - first + 1 < (lead >= 0xf0 ? 4u : lead >= 0xe0 ? 3u : 2u))
		to[first - 1] = 0;
}

static void reset(teg_error *err, teg_status status)
{
	memset(err, 0, sizeof *err);
	err->status = status;
	err->offset = -1;
	err->row = -1;
}

teg_status teg_fail(teg_error *err, teg_status status, const char *format, ...)
{
	va_list args;

	if (!err)
		return status;
	reset(err, status);
	va_start(args, format);
	print_text(err->message, sizeof err->message, format, args);
	va_end(args);
	return status;
}

teg_status teg_fail_os(teg_error *err, int os_errno, const char *format, ...)
{
	char why[96] = "";
	size_t len;
	va_list args;

	if (!err)
		return TEG_IO;
	reset(err, TEG_IO);
	err->os_errno = os_errno;
	va_start(args, format);
	print_text(err->message, sizeof err->message, format, args);
	va_end(args);
#if defined(__GLIBC__)
	/* strerror is not safe between threads; this form is. */
	copy_text(why, sizeof why,
	          strerrordesc_np(os_errno) ? strerrordesc_np(os_errno) : "unknown error");
#else
	snprintf(why, sizeof why, "errno %d", os_errno);
#endif
	len = strlen(err->message);
	snprintf(err->message + len, sizeof err->message - len, ": %s", why); /* ASCII */
	return TEG_IO;
}

teg_status error_in_file(teg_error *err, teg_status status, const char *file)
{
	if (err && !err->file[0])
		copy_text(err->file, sizeof err->file, file);
	return status;
}

teg_status error_in_array(teg_error *err, teg_status status, const char *array)
{
	if (err && !err->array[0])
		copy_text(err->array, sizeof err->array, array);
	return status;
}

teg_status error_in_column(teg_error *err, teg_status status, const char *column)
{
	if (err && !err->column[0])
		copy_text(err->column, sizeof err->column, column);
	return status;
}

teg_status error_at_row(teg_error *err, teg_status status, int64_t row)
{
	if (err && err->row < 0)
		err->row = row;
	return status;
}

teg_status error_at_offset(teg_error *err, teg_status status, int64_t offset)
{
	if (err && err->offset < 0)
		err->offset = offset;
	return status;
}

teg_status error_of_memory(teg_error *err, teg_status status, const char *purpose)
{
	if (status != TEG_NOMEM || (err && err->status == TEG_NOMEM))
		return status;
	return teg_fail(err, TEG_NOMEM, "no memory %s", purpose);
}

teg_status error_give(teg_error *err, teg_status status, const teg_error *own)
{
	if (err && status != TEG_OK && status != TEG_END)
		*err = *own;
	return status;
}
