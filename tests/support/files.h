/* A store's files as bytes: whether they are what they were, one number over every name and every byte,
 * so that a call that was refused can be shown to have left nothing behind; and what stands in them. */
#ifndef TEG_TESTS_SUPPORT_FILES_H
#define TEG_TESTS_SUPPORT_FILES_H
#include "engine/os/os.h"

/* 0: there is no such directory. Fails the test where something cannot be read. */
uint64_t files_hash(struct os *os);
/* The same of a real directory. */
uint64_t files_hash_at(const char *path);
/* How often these bytes stand in a file or in a file's name. */
size_t files_count(struct os *os, const void *needle, size_t len);
#endif
