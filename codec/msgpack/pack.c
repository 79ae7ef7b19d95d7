/* The writing half: msgpack-c's packer, with a buffer as its sink. */
#include "codec/msgpack/pack.h"
#include <msgpack/pack.h>

static int append(void *ctx, const char *bytes, size_t len)
{
	struct buf *out = ctx;

	buf_append(out, bytes, len);
	return buf_status(out) == TEG_OK ? 0 : -1;
}

static msgpack_packer packer_of(struct buf *out)
{
	return (msgpack_packer){ .data = out, .callback = append };
}

void pack_map(struct buf *out, uint32_t n_pairs)
{
	msgpack_packer packer = packer_of(out);

	msgpack_pack_map(&packer, n_pairs);
}

void pack_array(struct buf *out, uint32_t n)
{
	msgpack_packer packer = packer_of(out);

	msgpack_pack_array(&packer, n);
}

void pack_nil(struct buf *out)
{
	msgpack_packer packer = packer_of(out);

	msgpack_pack_nil(&packer);
}

void pack_bool(struct buf *out, bool v)
{
	msgpack_packer packer = packer_of(out);

	if (v)
		msgpack_pack_true(&packer);
	else
		msgpack_pack_false(&packer);
}

void pack_u64(struct buf *out, uint64_t v)
{
	msgpack_packer packer = packer_of(out);

	msgpack_pack_uint64(&packer, v);
}

void pack_i64(struct buf *out, int64_t v)
{
	msgpack_packer packer = packer_of(out);

	msgpack_pack_int64(&packer, v);
}

/* A length that msgpack cannot hold must not be cut short in silence. */
static bool fits(struct buf *out, struct span bytes)
{
	if (bytes.len > UINT32_MAX && out->status == TEG_OK)
		out->status = TEG_LIMIT;
	return out->status == TEG_OK;
}

void pack_text(struct buf *out, struct span text)
{
	msgpack_packer packer = packer_of(out);

	if (!fits(out, text))
		return;
	msgpack_pack_str(&packer, text.len);
	msgpack_pack_str_body(&packer, text.at, text.len);
}

void pack_bytes(struct buf *out, struct span bytes)
{
	msgpack_packer packer = packer_of(out);

	if (!fits(out, bytes))
		return;
	msgpack_pack_bin(&packer, bytes.len);
	msgpack_pack_bin_body(&packer, bytes.at, bytes.len);
}

void pack_key(struct buf *out, const char *key)
{
	pack_text(out, span_of_text(key));
}
