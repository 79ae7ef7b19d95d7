#include "tools/parquet/status.h"

#include <cstdio>
#include <exception>
#include <new>
#include <utility>

namespace teg
{

outcome refuse(int code, std::string text)
{
	return { code, std::move(text) };
}

outcome refuse_errno(int number, const std::string &doing)
{
	return refuse(TEG_PARQUET_IO, doing + ": " + std::strerror(number));
}

static int code_of(const arrow::Status &status, int otherwise)
{
	if (status.IsOutOfMemory())
		return TEG_PARQUET_NO_MEMORY;
	if (status.IsNotImplemented())
		return TEG_PARQUET_UNSUPPORTED;
	/* libparquet calls a damaged file an I/O error too: only the system's come with an errno. */
	if (status.IsIOError() && status.detail())
		return TEG_PARQUET_IO;
	return otherwise;
}

outcome from_arrow(const arrow::Status &status, int otherwise)
{
	if (status.ok())
		return {};
	return refuse(code_of(status, otherwise), status.message());
}

static outcome run(const std::function<outcome()> &work)
{
	try {
		return work();
	} catch (const std::bad_alloc &) {
		return refuse(TEG_PARQUET_NO_MEMORY, "out of memory");
	} catch (const std::exception &thrown) {
		return refuse(TEG_PARQUET_CORRUPT, thrown.what());
	}
}

int answer(const char *path, char *message, size_t message_len,
           const std::function<outcome()> &work)
{
	outcome result = run(work);

	if (message && message_len)
		message[0] = '\0';
	if (result.code != TEG_PARQUET_OK && message && message_len)
		std::snprintf(message, message_len, "%s: %s", path ? path : "(no path)",
		              result.text.c_str());
	return result.code;
}

} /* namespace teg */
