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
