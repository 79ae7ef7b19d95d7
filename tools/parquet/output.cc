#include "tools/parquet/output.h"

#include <unistd.h>

#include <cerrno>

#include <arrow/util/io_util.h>

namespace teg
{

arrow::Status output::Write(const void *data, int64_t n)
{
	auto at = static_cast<const char *>(data);

	position_ += n;
	while (n) {
		ssize_t put = ::write(fd_, at, static_cast<size_t>(n));

		if (put < 0 && errno != EINTR)
			return arrow::internal::IOErrorFromErrno(errno, "cannot write");
		at += put > 0 ? put : 0;
		n -= put > 0 ? put : 0;
	}
	return arrow::Status::OK();
}

arrow::Result<int64_t> output::Tell() const
{
	return position_;
}

arrow::Status output::Close()
{
	closed_ = true;
	return arrow::Status::OK();
}

bool output::closed() const
{
	return closed_;
}

} /* namespace teg */
