/* The table of contents of a zip archive, as .npz files are: members stored or deflated, of any
 * size (zip64). Other methods, encryption and archives in several files are refused by name. */
#ifndef TILECTL_ZIP_H
#define TILECTL_ZIP_H
#include "tools/tilectl/bytes.h"

#define ZIP_MAX_MEMBERS 65535

struct zip_member {
	char *name;
	bool deflated;
	uint32_t crc;
	uint64_t stored_len, len, header_at;
};
struct zip {
	struct zip_member *at;
	size_t n;
};

/* Reads the table. False with the reason; free in any case. */
bool zip_read(struct bytes *file, struct zip *zip_out, struct why *why);
void zip_free(struct zip *zip);
/* The bytes of a member; `path` is of the archive. Close in any case. */
bool zip_open(const struct zip_member *member, const char *path, struct bytes *bytes_out,
              struct why *why);
#endif
