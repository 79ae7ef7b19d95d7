/* Structs of the public API begin with the size that the caller was compiled with: shorter ones are
 * filled up with zeros, longer ones accepted where what we do not know is zero. */
#ifndef TEG_ENGINE_STORE_OPTIONS_H
#define TEG_ENGINE_STORE_OPTIONS_H
#include "codec/base/error.h"
#include <stddef.h>
#include <string.h>

/* Copies options of the caller's (NULL: all defaults) over `known`, zeroed, whose size is `size`. */
static inline teg_status options_take(const void *given, void *known, size_t size, const char *what,
                                      teg_error *err)
{
	size_t there;

	memset(known, 0, size);
	memcpy(known, &size, sizeof size);
	if (!given)
		return TEG_OK;
	memcpy(&there, given, sizeof there);
	if (there < sizeof there)
		return teg_fail(err, TEG_MISUSE, "%s: struct_size is not set", what);
	for (size_t i = size; i < there; i++)
		if (((const unsigned char *)given)[i])
			return teg_fail(err, TEG_UNSUPPORTED,
			                "%s: an option that this library lacks", what);
	memcpy(known, given, there < size ? there : size);
	memcpy(known, &size, sizeof size);
	return TEG_OK;
}

/* Gives a result to the caller, as much of it as his struct has room for. `result` begins with a
 * size_t of its own, which is left out. */
static inline void options_give(void *given, const void *result, size_t size)
{
	size_t there;

	if (!given)
		return;
	memcpy(&there, given, sizeof there);
	if (there > size)
		there = size;
	if (there > sizeof there)
		memcpy((unsigned char *)given + sizeof there,
		       (const unsigned char *)result + sizeof there, there - sizeof there);
}
#endif
