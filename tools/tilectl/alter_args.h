/* The changes that `tilectl alter` is asked for, as the library takes them.
 *
 *   --uncheck, --widen, --drop, --rename, --add, --unset, --set, --check, --retain   in this order,
 *
 * so that names are those of the array up to --rename and the new ones after it.
 */
#ifndef TILECTL_ALTER_ARGS_H
#define TILECTL_ALTER_ARGS_H
#include "tools/tilectl/opt.h"

struct alteration {
	const teg_spec *spec; /* as the array is */
	const char *of;       /* --of: what --set and --unset speak of; NULL: the array */
	teg_alter *changes;
	size_t n;
	void **owned; /* memory that changes point to */
	size_t n_owned;
	teg_value **values; /* whose bytes have to be freed */
	size_t n_values;
};

/* An exit code; said on stderr where it is not EXIT_OK. Free in any case. */
int alteration_read(struct alteration *alteration, const struct args *args, const teg_spec *spec,
                    const teg_retention *retention);
void alteration_release(struct alteration *alteration);
#endif
