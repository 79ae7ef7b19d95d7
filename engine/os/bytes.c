#include "engine/os/bytes.h"
#include <string.h>
#include "codec/base/checked.h"

static int bytes_size(struct os *os, struct os_file *file, uint64_t *size_out)
{
	(void)file;
	*size_out = ((struct os_bytes *)os)->bytes.len;
	return 0;
}

static int bytes_read(struct os *os, struct os_file *file, uint64_t off, void *to, size_t len,
                      size_t *n_out)
{
	struct span bytes = ((struct os_bytes *)os)->bytes;

	(void)file;
	*n_out = off < bytes.len ? size_min(len, bytes.len - (size_t)off) : 0;
	if (*n_out)
		memcpy(to, bytes.at + off, *n_out);
	return 0;
}

void os_bytes_init(struct os_bytes *os, struct span bytes, const teg_allocator *alloc)
{
	static const struct os_ops ops = { .size = bytes_size, .read = bytes_read };

	memset(os, 0, sizeof *os);
	os->os.ops = &ops;
	os->os.alloc = alloc;
	os->bytes = bytes;
}

struct os_file *os_bytes_file(struct os_bytes *os)
{
	return (struct os_file *)(void *)os; /* the table's functions do not look at it */
}
