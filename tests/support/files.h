/* Whether a store's files are what they were: one number over every name and every byte, so that a
 * call that was refused can be shown to have left nothing behind. */
#ifndef TEG_TESTS_SUPPORT_FILES_H
#define TEG_TESTS_SUPPORT_FILES_H
#include "engine/os/os.h"

/* 0: there is no such directory. Fails the test where something cannot be read. */
uint64_t files_hash(struct os *os);
/* The same of a real directory. */
uint64_t files_hash_at(const char *path);
#endif
