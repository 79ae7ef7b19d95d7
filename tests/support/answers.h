/* What a store answers, as text: every array of it, by every way to ask, at several system and valid
 * times. Two stores that print the same answer alike; so a test of crashes can say "old or new".
 *
 *   answers_read(store, &text, err)         TEG_OK, or what the first call that failed gave
 */
#ifndef TEG_TESTS_SUPPORT_ANSWERS_H
#define TEG_TESTS_SUPPORT_ANSWERS_H
#include "engine/os/os.h"
#include "engine/tegula.h"

#define ANSWERS_LEN 65536
#define ANSWERS_LONG \
	"noise"         /* where the last attribute is called so, the first is asked for alone */
#define ANSWERS_TIMES 4 /* system times asked at: 1000, 2000 and so on, then now */

struct answers {
	size_t len;
	char text[ANSWERS_LEN];
};

/* Arrays are asked in the order of their names. Fails the test only where a call contradicts itself;
 * leaks nothing after an error. */
teg_status answers_read(teg_store *store, struct answers *out, teg_error *err);
#endif
