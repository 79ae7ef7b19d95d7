/* OK(teg_something(.., err)): the call must succeed; else the test fails and says why.
 * REFUSED(TEG_MISUSE, teg_something(.., err)): it must fail so, and say why.
 */
#ifndef TEG_TESTS_SUPPORT_OK_H
#define TEG_TESTS_SUPPORT_OK_H
#include <criterion/criterion.h>
#include "engine/tegula.h"

#define OK(call)                                                                           \
	do {                                                                               \
		teg_error err_ = { 0 }, *err = &err_;                                      \
		teg_status got_ = (call);                                                  \
		cr_assert_eq(got_, TEG_OK, "%s: %s %s (%s)", #call, teg_status_name(got_), \
		             err->message, err->file);                                     \
	} while (0)

#define REFUSED(expected, call)                                                                  \
	do {                                                                                     \
		teg_error err_ = { 0 }, *err = &err_;                                            \
		teg_status got_ = (call);                                                        \
		cr_assert_eq(got_, expected, "%s: %s, not %s: %s", #call, teg_status_name(got_), \
		             teg_status_name(expected), err->message);                           \
		cr_assert_eq(err->status, expected, "%s: the error says %s", #call,              \
		             teg_status_name(err->status));                                      \
		cr_assert(err->message[0], "%s: no word of why", #call);                         \
	} while (0)
#endif
