// The headers from C++17, both of them, and a call that fails with a name.
#include <cstring>
#include <tegula/tegula.h>
#include <tegula/tegula_unstable.h>

int main(int, char **argv)
{
	teg_store_options options{};
	teg_error error{};
	teg_store *store = nullptr;

	options.struct_size = sizeof options;
	options.read_only = true;
	teg_status status = teg_store_open(argv[1], &options, &store, &error);
	teg_store_close(store);
	return status != TEG_NOT_FOUND || std::strcmp(teg_status_name(status), "not_found");
}
