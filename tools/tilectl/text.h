/* A growing run of bytes, always terminated, for building output and messages.
 *
 * A tool that runs out of memory has nothing left to say: these functions end the program with
 * exit code 1 then, so that no caller has to check.
 */
#ifndef TILECTL_TEXT_H
#define TILECTL_TEXT_H
#include <stddef.h>
#include "engine/tegula.h"

struct text {
	char *at; /* NULL while nothing was ever added; else at[len] is 0 */
	size_t len, cap;
};

void text_add(struct text *text, const char *bytes, size_t len);
void text_adds(struct text *text, const char *string);
void text_addf(struct text *text, const char *format, ...) TEG_PRINTF(2, 3);
/* Keeps the memory. */
void text_clear(struct text *text);
void text_free(struct text *text);
/* The bytes as a string: "" where nothing was added. */
const char *text_string(const struct text *text);

/* malloc and realloc that end the program instead of failing. */
void *need_memory(size_t n, size_t size);
void *need_more(void *block, size_t n, size_t size);
#endif
