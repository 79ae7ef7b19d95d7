#include "codec/base/status.h"
#include <criterion/criterion.h>

Test(status, names)
{
	cr_assert_str_eq(teg_status_name(TEG_OK), "ok");
}
