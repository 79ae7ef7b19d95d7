#include "engine/store/marker.h"
#include "codec/base/hash.h"
#include "codec/tile/segment.h"

static const uint8_t magic[8] = { 0x89, 'T', 'E', 'G', 'S', '\r', '\n', 0x1a };

void marker_put(const struct marker *marker, uint8_t out[MARKER_LEN])
{
	memcpy(out, magic, sizeof magic);
	store_u16(out + 8, marker->major);
	store_u16(out + 10, marker->minor);
	store_u64(out + 12, marker->required);
	store_u64(out + 20, marker->optional);
	memcpy(out + 28, marker->store_id, 16);
	store_u64(out + 44, hash_bytes(span_of(out, 44)));
}

teg_status marker_parse(struct span bytes, struct marker *m, teg_error *err)
{
	struct reader r = reader_of(bytes);
	struct span mark = reader_take(&r, sizeof magic);
	struct span id;
	uint64_t checksum;

	m->major = reader_u16(&r);
	m->minor = reader_u16(&r);
	if (!reader_ok(&r) || memcmp(mark.at, magic, sizeof magic) != 0)
		return teg_fail(err, TEG_CORRUPT, "not a marker of a store");
	if (m->major != FORMAT_MAJOR)
		return teg_fail(err, TEG_UNSUPPORTED,
		                "store of format %u.%u; this library reads %u", m->major, m->minor,
		                FORMAT_MAJOR);
	m->required = reader_u64(&r);
	m->optional = reader_u64(&r);
	id = reader_take(&r, 16);
	checksum = reader_u64(&r);
	if (!reader_ok(&r) || bytes.len != MARKER_LEN)
		return teg_fail(err, TEG_CORRUPT, "marker of %zu bytes", bytes.len);
	if (checksum != hash_bytes(span_of(bytes.at, 44)))
		return teg_fail(err, TEG_CORRUPT, "marker: checksum differs");
	if (m->required)
		return teg_fail(err, TEG_UNSUPPORTED, "store needs unknown features 0x%llx",
		                (unsigned long long)m->required);
	memcpy(m->store_id, id.at, 16);
	return TEG_OK;
}

teg_status marker_read(struct os *os, const teg_allocator *alloc, struct marker *marker_out,
                       teg_error *err)
{
	uint8_t *bytes;
	size_t len;
	teg_status status;

	status = os_read_file(os, MARKER_PATH, MARKER_LEN, alloc, &bytes, &len, err);
	if (status == TEG_LIMIT)
		return error_in_file(err, teg_fail(err, TEG_CORRUPT, "marker is too long"),
		                     MARKER_PATH);
	TEG_TRY(status);
	status = marker_parse(span_of(bytes, len), marker_out, err);
	mem_free(alloc, bytes, len);
	return status == TEG_OK ? TEG_OK : error_in_file(err, status, MARKER_PATH);
}
