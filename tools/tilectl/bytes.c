#include "tools/tilectl/bytes.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/tilectl/module.h"
#include "tools/tilectl/text.h"

#define PIECE ((size_t)64 << 10)

bool bytes_open(struct bytes *bytes, const char *path, int fd, struct why *why)
{
	struct stat facts;

	*bytes = (struct bytes){ .fd = fd, .own = fd < 0 };
	if (bytes->own)
		bytes->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (bytes->fd < 0)
		return refuse(why, "cannot open: %s", strerror(errno));
	if (fstat(bytes->fd, &facts))
		return refuse(why, "cannot read: %s", strerror(errno));
	if (bytes->own && !S_ISREG(facts.st_mode))
		return refuse(why, "it is not a plain file");
	bytes->forward = !bytes->own;
	bytes->len = bytes->own ? (uint64_t)facts.st_size : UINT64_MAX;
	return true;
}

void bytes_close(struct bytes *bytes)
{
	if (bytes->own && bytes->fd >= 0)
		close(bytes->fd);
	module_inflater_free(bytes->inflater);
	free(bytes->in);
	*bytes = (struct bytes){ .fd = -1 };
}

/* CRC-32 as zip has it, four bits at a time. */
static uint32_t crc_add(uint32_t crc, const uint8_t *at, size_t n)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	crc = ~crc;
	for (size_t i = 0; i < n; i++) {
		crc = table[(crc ^ at[i]) & 15] ^ crc >> 4;
		crc = table[(crc ^ at[i] >> 4) & 15] ^ crc >> 4;
	}
	return ~crc;
}

/* Up to n bytes; fewer at the end only. */
static bool read_file(struct bytes *b, uint64_t offset, uint8_t *out, size_t n, size_t *got_out,
                      struct why *why)
{
	bool pipe = !b->own;
	size_t at = 0;

	while (at < n) {
		ssize_t got = pipe ? read(b->fd, out + at, n - at)
		                   : pread(b->fd, out + at, n - at, (off_t)(offset + at));

		if (got < 0 && errno != EINTR)
			return refuse(why, "cannot read: %s", strerror(errno));
		if (!got)
			break;
		at += got > 0 ? (size_t)got : 0;
	}
	*got_out = at;
	return true;
}

static bool fill_piece(struct bytes *b, struct why *why)
{
	size_t n = b->in_len < PIECE ? (size_t)b->in_len : PIECE, got;

	if (!b->in)
		b->in = need_memory(PIECE, 1);
	if (!read_file(b, b->in_at, b->in, n, &got, why))
		return false;
	if (!got)
		return refuse(why, "its deflated bytes are cut off");
	b->in_from = 0;
	b->in_to = got;
	b->in_at += got;
	b->in_len -= got;
	return true;
}

static bool inflate_some(struct bytes *b, uint8_t *out, size_t n, size_t *got_out, struct why *why)
{
	uint8_t *to = out;
	size_t left = n;

	while (left && !b->ended) {
		const uint8_t *from;
		size_t from_len;

		if (b->in_from == b->in_to && !fill_piece(b, why))
			return false;
		from = b->in + b->in_from;
		from_len = b->in_to - b->in_from;
		if (!module_inflate(b->inflater, &from, &from_len, &to, &left, &b->ended))
			return refuse(why, "its deflated bytes are damaged");
		b->in_from = b->in_to - from_len;
	}
	*got_out = n - left;
	return true;
}

static bool read_some(struct bytes *b, uint64_t offset, uint8_t *out, size_t n, size_t *got_out,
                      struct why *why)
{
	bool ok = b->inflater ? inflate_some(b, out, n, got_out, why)
	                      : read_file(b, b->base + offset, out, n, got_out, why);

	if (ok && offset == b->at) {
		b->crc = b->has_crc ? crc_add(b->crc, out, *got_out) : 0;
		b->at += *got_out;
	}
	return ok;
}

bool bytes_read(struct bytes *b, uint64_t offset, void *out, size_t n, struct why *why)
{
	size_t got;

	if (offset > b->len || n > b->len - offset)
		return refuse(why, "offset %" PRIu64 ": it is cut off", b->len);
	if (b->forward && offset != b->at)
		return refuse(why, "columns of Fortran order cannot be read from a pipe or from "
		                   "deflated bytes");
	if (!read_some(b, offset, out, n, &got, why))
		return false;
	return got == n || refuse(why, "offset %" PRIu64 ": it is cut off", offset + got);
}

/* Runs over what is left, so that the sum is of everything. */
static bool read_rest(struct bytes *b, struct why *why)
{
	uint8_t piece[4096];

	while (b->at < b->len) {
		uint64_t left = b->len - b->at;

		if (!bytes_read(b, b->at, piece, left < sizeof piece ? (size_t)left : sizeof piece,
		                why))
			return false;
	}
	return true;
}

bool bytes_end(struct bytes *b, struct why *why)
{
	uint8_t more;
	size_t got = 0;

	if (b->len != UINT64_MAX && b->has_crc && !read_rest(b, why))
		return false;
	if (b->forward && !b->ended && !read_some(b, b->at, &more, 1, &got, why))
		return false;
	if (got || (b->inflater && !b->ended))
		return refuse(why, "there are more bytes than its shape says");
	return !b->has_crc || b->crc == b->crc_wanted || refuse(why, "its checksum is wrong");
}
