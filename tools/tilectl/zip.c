#include "tools/tilectl/zip.h"
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/json.h"
#include "tools/tilectl/module.h"
#include "tools/tilectl/text.h"

#define END_LEN 22
#define END64_LEN 56
#define LOCATOR_LEN 20
#define ENTRY_LEN 46
#define LOCAL_LEN 30
#define MAX_COMMENT 65535
#define MAX_TABLE ((uint64_t)64 << 20)

static uint64_t number(const uint8_t *at, size_t n)
{
	uint64_t value = 0;

	for (size_t i = n; i--;)
		value = value << 8 | at[i];
	return value;
}

static bool is(const uint8_t *at, uint32_t signature)
{
	return number(at, 4) == signature;
}

/* Where the table is, and how many entries it has. */
struct contents {
	uint64_t at, len, n;
};

/* The record at the end is looked for from behind: a comment may follow it. */
static bool find_end(struct bytes *file, uint64_t *end_at_out, uint8_t end[END_LEN],
                     struct why *why)
{
	size_t n = file->len < END_LEN + MAX_COMMENT ? (size_t)file->len : END_LEN + MAX_COMMENT;
	uint8_t *tail = need_memory(n + 1, 1);
	bool ok = bytes_read(file, file->len - n, tail, n, why), found = false;

	for (size_t at = n < END_LEN ? 0 : n - END_LEN + 1; ok && !found && at--;)
		if (is(tail + at, 0x06054b50) && number(tail + at + 20, 2) == n - END_LEN - at) {
			*end_at_out = file->len - n + at;
			memcpy(end, tail + at, END_LEN);
			found = true;
		}
	free(tail);
	return ok && (found || refuse(why, "it is not a zip archive"));
}

static bool read_end64(struct bytes *file, uint64_t end_at, struct contents *contents,
                       struct why *why)
{
	uint8_t locator[LOCATOR_LEN], end[END64_LEN];

	if (end_at < LOCATOR_LEN)
		return true;
	if (!bytes_read(file, end_at - LOCATOR_LEN, locator, sizeof locator, why))
		return false;
	if (!is(locator, 0x07064b50))
		return true;
	if (!bytes_read(file, number(locator + 8, 8), end, sizeof end, why))
		return false;
	if (!is(end, 0x06064b50))
		return refuse(why, "the end of the archive is damaged");
	*contents =
		(struct contents){ number(end + 48, 8), number(end + 40, 8), number(end + 32, 8) };
	return true;
}

static bool find_contents(struct bytes *file, struct contents *contents_out, struct why *why)
{
	uint8_t end[END_LEN];
	uint64_t end_at = 0;

	if (!find_end(file, &end_at, end, why))
		return false;
	*contents_out =
		(struct contents){ number(end + 16, 4), number(end + 12, 4), number(end + 10, 2) };
	if (number(end + 4, 2) && number(end + 4, 2) != 0xffff)
		return refuse(why, "the archive has several files");
	if (!read_end64(file, end_at, contents_out, why))
		return false;
	if (contents_out->at > file->len || contents_out->len > file->len - contents_out->at ||
	    contents_out->len > MAX_TABLE || contents_out->n > ZIP_MAX_MEMBERS)
		return refuse(why, "the table of the archive is damaged");
	return true;
}

/* ---- entries ---------------------------------------------------------------------------------- */

/* Sizes that do not fit 32 bits stand in an extra field, in this order, if they need to. */
static bool read_extra(struct zip_member *member, const uint8_t *at, size_t len)
{
	uint64_t *const wide[] = { &member->len, &member->stored_len, &member->header_at };

	while (len >= 4) {
		size_t n = (size_t)number(at + 2, 2);
		const uint8_t *field = at + 4;
		bool sizes = number(at, 2) == 1;

		if (n > len - 4)
			return false;
		for (size_t i = 0, used = 0; sizes && i < 3; i++) {
			if (*wide[i] != UINT32_MAX)
				continue;
			if (n - used < 8)
				return false;
			*wide[i] = number(field + used, 8);
			used += 8;
		}
		at += n + 4;
		len -= n + 4;
	}
	return true;
}

static bool is_utf8(const char *at, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_length(at + i, len - i);
		if (!n || !at[i])
			return false;
	}
	return true;
}

/* One entry of the table; *used_out is its length. */
static bool read_entry(const uint8_t *at, size_t len, struct zip_member *member, size_t *used_out,
                       struct why *why)
{
	size_t name_len, extra_len;

	if (len < ENTRY_LEN || !is(at, 0x02014b50))
		return refuse(why, "the table of the archive is damaged");
	name_len = (size_t)number(at + 28, 2);
	extra_len = (size_t)number(at + 30, 2);
	*used_out = ENTRY_LEN + name_len + extra_len + (size_t)number(at + 32, 2);
	if (*used_out > len || !is_utf8((const char *)at + ENTRY_LEN, name_len))
		return refuse(why, "the table of the archive is damaged");
	member->name = need_memory(name_len + 1, 1);
	memcpy(member->name, at + ENTRY_LEN, name_len);
	member->crc = (uint32_t)number(at + 16, 4);
	member->stored_len = number(at + 20, 4);
	member->len = number(at + 24, 4);
	member->header_at = number(at + 42, 4);
	member->deflated = number(at + 10, 2) == 8;
	if (number(at + 8, 2) & 1)
		return refuse(why, "member %.80s is encrypted", member->name);
	if (number(at + 10, 2) && !member->deflated)
		return refuse(why, "member %.80s is compressed by method %u", member->name,
		              (unsigned)number(at + 10, 2));
	return read_extra(member, at + ENTRY_LEN + name_len, extra_len) ||
	       refuse(why, "member %.80s: its entry is damaged", member->name);
}

static bool read_entries(const uint8_t *table, const struct contents *contents, struct zip *zip,
                         struct why *why)
{
	size_t left = (size_t)contents->len, used = 0;

	zip->at = need_memory((size_t)contents->n, sizeof *zip->at);
	for (uint64_t i = 0; i < contents->n; i++) {
		if (!read_entry(table, left, &zip->at[zip->n++], &used, why))
			return false;
		table += used;
		left -= used;
	}
	return !left || refuse(why, "the table of the archive is damaged");
}

bool zip_read(struct bytes *file, struct zip *zip_out, struct why *why)
{
	struct contents contents;
	uint8_t *table;
	bool ok;

	*zip_out = (struct zip){ NULL, 0 };
	if (!find_contents(file, &contents, why))
		return false;
	table = need_memory((size_t)contents.len + 1, 1);
	ok = bytes_read(file, contents.at, table, (size_t)contents.len, why) &&
	     read_entries(table, &contents, zip_out, why);
	free(table);
	return ok;
}

void zip_free(struct zip *zip)
{
	for (size_t i = 0; i < zip->n; i++)
		free(zip->at[i].name);
	free(zip->at);
	*zip = (struct zip){ NULL, 0 };
}

bool zip_open(const struct zip_member *member, const char *path, struct bytes *b, struct why *why)
{
	uint8_t local[LOCAL_LEN];
	uint64_t file_len;

	if (!bytes_open(b, path, -1, why) ||
	    !bytes_read(b, member->header_at, local, sizeof local, why))
		return false;
	file_len = b->len;
	b->base = member->header_at + LOCAL_LEN + number(local + 26, 2) + number(local + 28, 2);
	b->at = 0;
	if (!is(local, 0x04034b50) || b->base > file_len ||
	    member->stored_len > file_len - b->base ||
	    (!member->deflated && member->len != member->stored_len))
		return refuse(why, "member %.80s: its place in the archive is wrong", member->name);
	b->len = member->len;
	b->has_crc = true;
	b->crc_wanted = member->crc;
	if (!member->deflated)
		return true;
	b->inflater = module_inflater_new();
	b->forward = true;
	b->in_at = b->base;
	b->in_len = member->stored_len;
	return b->inflater ||
	       refuse(why, "member %.80s is deflated, which needs the Parquet module",
	              member->name);
}
