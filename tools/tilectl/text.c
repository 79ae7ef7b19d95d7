#include "tools/tilectl/text.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/fail.h"

void *need_more(void *block, size_t n, size_t size)
{
	void *more = NULL;

	if (n < SIZE_MAX / size)
		more = realloc(block, n ? n * size : 1);
	if (!more) {
		fputs("tilectl: out of memory\n", stderr);
		exit(EXIT_FAILED);
	}
	return more;
}

void *need_memory(size_t n, size_t size)
{
	void *block = need_more(NULL, n, size);

	memset(block, 0, n * size);
	return block;
}

static void make_room(struct text *text, size_t more)
{
	if (more > SIZE_MAX / 2 - text->len - 1)
		more = SIZE_MAX / 2; /* refused by the allocator below */
	if (text->at && text->len + more < text->cap)
		return;
	text->cap = (text->len + more + 1) * 3 / 2 + 32;
	text->at = need_more(text->at, text->cap, 1);
}

void text_add(struct text *text, const char *bytes, size_t len)
{
	make_room(text, len);
	if (len)
		memcpy(text->at + text->len, bytes, len);
	text->len += len;
	text->at[text->len] = '\0';
}

void text_adds(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_addf(struct text *text, const char *format, ...)
{
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len > 0) {
		make_room(text, (size_t)len);
		vsnprintf(text->at + text->len, (size_t)len + 1, format, again);
		text->len += (size_t)len;
	}
	va_end(again);
}

void text_clear(struct text *text)
{
	text->len = 0;
	if (text->at)
		text->at[0] = '\0';
}

void text_free(struct text *text)
{
	free(text->at);
	*text = (struct text){ NULL, 0, 0 };
}

const char *text_string(const struct text *text)
{
	return text->at ? text->at : "";
}
