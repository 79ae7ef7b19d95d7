// The same from C++17, with both public headers.
#include <cstring>
#include <tegula/tegula.h>
#include <tegula/tegula_unstable.h>

int main()
{
	teg_store_options options{};
	options.struct_size = sizeof options;
	return std::strcmp(teg_status_name(TEG_OK), "ok");
}
