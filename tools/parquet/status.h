/* How a C++ failure becomes a code and a message of parquet.h. */
#ifndef TEG_TOOLS_PARQUET_STATUS_H
#define TEG_TOOLS_PARQUET_STATUS_H
#include <cstddef>
#include <cstring>
#include <functional>
#include <string>

#include <arrow/result.h>
#include <arrow/status.h>

#include "tools/parquet/parquet.h"

namespace teg
{

/* The outcome of one call: a code and what to say about it. */
struct outcome {
	int code = TEG_PARQUET_OK;
	std::string text;
};

/* A refusal of our own. */
outcome refuse(int code, std::string text);

/* The system's refusal: errno in words. */
outcome refuse_errno(int number, const std::string &doing);

/* What libarrow says; `otherwise` is the code of a failure that has no better one. */
outcome from_arrow(const arrow::Status &status, int otherwise);

/* Runs `work`, lets no exception out, and writes "PATH: text" into the caller's message. */
int answer(const char *path, char *message, size_t message_len,
           const std::function<outcome()> &work);

/* Copies a caller's options over the defaults of ours, whichever struct is longer. */
template <class T> T options_of(const T *given)
{
	T options{};

	if (given) {
		size_t n = given->struct_size < sizeof options ? given->struct_size
		                                               : sizeof options;

		std::memcpy(&options, given, n);
	}
	return options;
}

} /* namespace teg */
#endif
