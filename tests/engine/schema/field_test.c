#include "engine/schema/schema.h"
#include <criterion/criterion.h>

Test(field, names) /* SCHEMA-7 */
{
	char longest[257];
	teg_error err;

	memset(longest, 'n', sizeof longest);
	longest[255] = 0;
	cr_assert_eq(name_check(longest, "array", &err), TEG_OK);
	longest[255] = 'n';
	longest[256] = 0;
	cr_assert_eq(name_check(longest, "array", &err), TEG_MISUSE);
	cr_assert_eq(name_check("caf\xc3\xa9 / \"x\" \\ ..", "array", &err), TEG_OK);
	cr_assert_eq(name_check(NULL, "array", &err), TEG_MISUSE);
	cr_assert_eq(name_check("", "array", &err), TEG_MISUSE);
	cr_assert_eq(name_check("a\x7f", "array", &err), TEG_MISUSE);
	cr_assert_eq(name_check("a\xc2\x85", "array", &err), TEG_MISUSE);
	cr_assert_eq(name_check("a\xc2\xa0", "array", &err), TEG_OK);
	cr_assert_eq(name_check("a\xe9", "array", &err), TEG_MISUSE);
}
