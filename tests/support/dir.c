#include "tests/support/dir.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void test_dir_make(struct test_dir *dir)
{
	const char *base = getenv("TMPDIR");

	if (!base || !*base)
		base = "/tmp";
	snprintf(dir->path, sizeof dir->path, "%s/tegula-test-XXXXXX", base);
	cr_assert_not_null(mkdtemp(dir->path), "no temporary directory under %s", base);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

/* A test may have taken the write permission of a directory away. */
static int open_up(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)at;
	return kind == FTW_D || kind == FTW_DNR ? chmod(path, 0700) : 0;
}

void test_dir_remove(struct test_dir *dir)
{
	if (!dir->path[0])
		return;
	nftw(dir->path, open_up, 16, FTW_PHYS);
	cr_assert_eq(nftw(dir->path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0, "cannot remove %s",
	             dir->path);
	dir->path[0] = 0;
}

char *test_dir_path(const struct test_dir *dir, const char *name)
{
	static char paths[16][512];
	static size_t next;
	char *path = paths[next++ % 16];

	cr_assert_lt((size_t)snprintf(path, sizeof paths[0], "%s/%s", dir->path, name),
	             sizeof paths[0]);
	return path;
}

uint8_t *test_file_read(const char *path, size_t *len_out)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	uint8_t *bytes;

	cr_assert_not_null(file, "cannot open %s", path);
	cr_assert_eq(fstat(fileno(file), &st), 0);
	*len_out = (size_t)st.st_size;
	bytes = malloc(*len_out ? *len_out : 1);
	cr_assert_not_null(bytes);
	cr_assert_eq(fread(bytes, 1, *len_out, file), *len_out, "cannot read %s", path);
	fclose(file);
	return bytes;
}

void test_file_write(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "wb");

	cr_assert_not_null(file, "cannot create %s", path);
	cr_assert_eq(fwrite(bytes, 1, len, file), len);
	cr_assert_eq(fclose(file), 0);
}

size_t test_dir_count(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t n = 0;

	cr_assert_not_null(dir, "cannot open directory %s", path);
	while ((entry = readdir(dir)))
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(dir);
	return n;
}
