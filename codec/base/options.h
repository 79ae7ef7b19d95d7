/* Options structs of the public API: they start with struct_size, the size the caller was compiled
 * with, and zero is every field's default. So a caller of another age is understood as long as it
 * asks for nothing that this build does not know. */
#ifndef TEG_CODEC_BASE_OPTIONS_H
#define TEG_CODEC_BASE_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Fills the `size` bytes of *out (which starts with struct_size) from *given, which may be NULL: all
 * defaults. False where struct_size is no size, or a longer struct asks for something unknown. */
static inline bool options_take(void *out, size_t size, const void *given)
{
	size_t given_size;

	memset(out, 0, size);
	memcpy(out, &size, sizeof size);
	if (!given)
		return true;
	memcpy(&given_size, given, sizeof given_size);
	if (given_size < sizeof given_size)
		return false;
	for (size_t i = size; i < given_size; i++)
		if (((const uint8_t *)given)[i])
			return false;
	memcpy(out, given, given_size < size ? given_size : size);
	memcpy(out, &size, sizeof size);
	return true;
}
#endif
