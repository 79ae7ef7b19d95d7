#include "tests/support/files.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "codec/base/hash.h"
#include "tests/support/ok.h"

#define FILE_MAX ((size_t)1 << 30)

struct walk {
	struct os *os;
	const char *dir; /* "" or "manifests/" */
	uint64_t hash;
};

static int add_name(void *ctx, const char *name);

static uint64_t hash_file(struct os *os, const char *path)
{
	uint8_t *bytes;
	size_t len;
	uint64_t hash;

	OK(os_read_file(os, path, FILE_MAX, os->alloc, &bytes, &len, err));
	hash = hash_bytes(span_of(bytes, len));
	mem_free(os->alloc, bytes, len);
	return hash;
}

/* A sum, for names come in no order; the hash of a name and that of its bytes are one term. */
static int add_name(void *ctx, const char *name)
{
	struct walk *walk = ctx;
	char path[OS_PATH_MAX], dir[OS_PATH_MAX + 1];
	struct walk below = { walk->os, dir, 0 };
	uint64_t hash;

	cr_assert_lt((size_t)snprintf(path, sizeof path, "%s%s", walk->dir, name), sizeof path);
	snprintf(dir, sizeof dir, "%s/", path);
	hash = os_list(walk->os, path, add_name, &below, NULL) == TEG_OK
	               ? below.hash
	               : hash_file(walk->os, path);
	walk->hash += hash_bytes(span_of_text(path)) * (hash | 1) + hash;
	return 0;
}

uint64_t files_hash(struct os *os)
{
	struct walk walk = { os, "", 1 };
	teg_error why = { 0 };
	teg_status status = os_list(os, "", add_name, &walk, &why);

	if (status == TEG_NOT_FOUND)
		return 0;
	cr_assert_eq(status, TEG_OK, "%s", why.message);
	return walk.hash;
}

uint64_t files_hash_at(const char *path)
{
	struct os *os;
	uint64_t hash;

	OK(os_posix_new(path, teg_allocator_default(), &os, err));
	hash = files_hash(os);
	os_free(os);
	return hash;
}

/* ---- what stands in them ---- */

struct search {
	struct os *os;
	const char *dir;
	struct span needle;
	size_t n;
};

static size_t count_in(struct span bytes, struct span needle)
{
	size_t n = 0;

	for (size_t i = 0; i + needle.len <= bytes.len; i++)
		n += memcmp(bytes.at + i, needle.at, needle.len) == 0;
	return n;
}

static size_t count_in_file(struct os *os, const char *path, struct span needle)
{
	uint8_t *bytes;
	size_t len, n;

	OK(os_read_file(os, path, FILE_MAX, os->alloc, &bytes, &len, err));
	n = count_in(span_of(bytes, len), needle);
	mem_free(os->alloc, bytes, len);
	return n;
}

static int search_name(void *ctx, const char *name)
{
	struct search *search = ctx;
	char path[OS_PATH_MAX], dir[OS_PATH_MAX + 1];
	struct search below = { search->os, dir, search->needle, 0 };

	cr_assert_lt((size_t)snprintf(path, sizeof path, "%s%s", search->dir, name), sizeof path);
	snprintf(dir, sizeof dir, "%s/", path);
	search->n += count_in(span_of_text(name), search->needle);
	search->n += os_list(search->os, path, search_name, &below, NULL) == TEG_OK
	                     ? below.n
	                     : count_in_file(search->os, path, search->needle);
	return 0;
}

size_t files_count(struct os *os, const void *needle, size_t len)
{
	struct search search = { os, "", span_of(needle, len), 0 };

	OK(os_list(os, "", search_name, &search, err));
	return search.n;
}
