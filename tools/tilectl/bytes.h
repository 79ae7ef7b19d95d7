/* The bytes of a file, of a pipe, or of a member of an archive, read by offset or front to back.
 *
 * A plain file gives any part at any time. A pipe and a deflated member go forward only. What is
 * read never goes beyond `len`, whatever the one who reads believes.
 */
#ifndef TILECTL_BYTES_H
#define TILECTL_BYTES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tools/tilectl/fail.h"

struct teg_inflater;

struct bytes {
	int fd;
	bool own;      /* closes it */
	bool forward;  /* a pipe, or deflated */
	uint64_t base; /* in the file, of what is stored */
	uint64_t len;  /* of the bytes; UINT64_MAX: nobody knows */
	uint64_t at;   /* of those that went forward */
	/* a deflated member */
	struct teg_inflater *inflater;
	uint64_t in_at, in_len; /* its bytes in the file */
	uint8_t *in;            /* a piece of them, of which [in_from, in_to) wait */
	size_t in_from, in_to;
	bool ended;
	/* of what went forward, where the archive tells what it must be */
	bool has_crc;
	uint32_t crc, crc_wanted;
};

/* A plain file, or `fd` where it is not negative. */
bool bytes_open(struct bytes *bytes, const char *path, int fd, struct why *why);
/* Exactly n bytes from `offset` on. */
bool bytes_read(struct bytes *bytes, uint64_t offset, void *out, size_t n, struct why *why);
/* That everything was read, that nothing follows, and that it is what the archive says. */
bool bytes_end(struct bytes *bytes, struct why *why);
void bytes_close(struct bytes *bytes);
#endif
