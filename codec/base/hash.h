/* XXH3-64, the checksum of every stored byte. It catches accidents, not malice.
 * Hashes are kept as numbers and stored little-endian. */
#ifndef TEG_CODEC_BASE_HASH_H
#define TEG_CODEC_BASE_HASH_H
#include "codec/base/span.h"

uint64_t hash_bytes(struct span bytes);

/* XXH3-128 in its canonical form (most significant byte first), where a hash is an identity. */
void hash_identity(struct span bytes, uint8_t identity_out[16]);
#endif
