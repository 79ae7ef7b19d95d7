/* What the two parts of the generator of golden vectors share. */
#ifndef TEG_TESTS_READER_GENERATE_H
#define TEG_TESTS_READER_GENERATE_H
#include <stdio.h>
#include "engine/tegula.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Ends the program. */
void fail(const char *what, const char *why);
void need(teg_status status, const teg_error *err);
/* FOLDER/..., valid until the next call. */
const char *path_of(const char *folder, const char *format, ...);
FILE *create_file(const char *path);
void close_file(FILE *file);
void put_hex(FILE *out, const void *bytes, size_t len);

void make_chunks(const char *folder);
#endif
