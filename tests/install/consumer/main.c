/* A program as a user writes it: one header, whatever way the library is found. */
#include <stdio.h>
#include <string.h>
#include <tegula/tegula.h>

int main(void)
{
	if (strcmp(teg_status_name(TEG_CORRUPT), "corrupt") || !teg_allocator_default())
		return 1;
	printf("tegula answers\n");
	return 0;
}
