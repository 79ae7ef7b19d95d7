/* OK(teg_something(.., err)): the call must succeed; else the test fails and says why. */
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
#endif
