#include "codec/base/hash.h"

#if defined(__x86_64__)
/* Picks AVX2 or AVX-512 at run time: three to five times the plain entry point. */
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

uint64_t hash_bytes(struct span bytes)
{
#if defined(__x86_64__)
	return XXH3_64bits_dispatch(bytes.at, bytes.len);
#else
	return XXH3_64bits(bytes.at, bytes.len);
#endif
}

void hash_identity(struct span bytes, uint8_t identity_out[16])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.at, bytes.len));
	memcpy(identity_out, canonical.digest, sizeof canonical.digest);
}
