/* A directory of a test's own, removed with all that is in it. */
#ifndef TEG_TESTS_SUPPORT_DIR_H
#define TEG_TESTS_SUPPORT_DIR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test_dir {
	char path[256];
};

/* Makes a fresh empty directory under $TMPDIR or /tmp; fails the test where that is impossible. */
void test_dir_make(struct test_dir *dir);
void test_dir_remove(struct test_dir *dir);

/* "<dir>/<name>", good until sixteen more were asked for; nothing to free. */
char *test_dir_path(const struct test_dir *dir, const char *name);

/* The whole content of a file, in malloc'ed memory for the caller to free; fails the test where it
 * cannot be read. */
uint8_t *test_file_read(const char *path, size_t *len_out);
void test_file_write(const char *path, const void *bytes, size_t len);

/* How many entries a directory holds, "." and ".." left out; fails the test where it is missing. */
size_t test_dir_count(const char *path);
#endif
