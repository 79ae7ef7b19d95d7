/* Bytes for libarrow's stream readers: a descriptor that may be a pipe, with its beginning held. */
#ifndef TEG_TOOLS_INPUT_H
#define TEG_TOOLS_INPUT_H
#include <memory>
#include <string>

#include <arrow/io/interfaces.h>
#include <arrow/memory_pool.h>
#include <arrow/type_fwd.h>

#include "tools/parquet/status.h"

namespace teg
{

/* libarrow's memory up to a limit: 1 GiB and what the largest file opened so far is long. Lengths
 * that a file claims are believed up to there. Buffers may outlive every stream, so it never ends. */
arrow::MemoryPool *budget_for(int fd);

/* A descriptor read from front to back. What was looked at beforehand is handed out once more. */
class input : public arrow::io::InputStream
{
      public:
	/* Borrows `fd` where it is not negative, else opens the plain file at `path`. */
	static outcome open(const char *path, int fd, std::shared_ptr<input> *input_out);
	~input() override;

	/* The first bytes, as many as there are up to n. Before anything is read. */
	arrow::Result<std::string> look(size_t n);

	arrow::Status Close() override;
	bool closed() const override;
	arrow::Result<int64_t> Tell() const override;
	arrow::Result<int64_t> Read(int64_t n, void *out) override;
	arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t n) override;

	/* How many '"' have gone out. */
	int64_t quotes() const
	{
		return quotes_;
	}

	int fd() const
	{
		return fd_;
	}

      private:
	input(int fd, bool own) : fd_(fd), own_(own)
	{
	}

	int fd_;
	bool own_, closed_ = false;
	std::string held_; /* of which the first held_at_ bytes have gone out */
	size_t held_at_ = 0;
	int64_t position_ = 0, quotes_ = 0;
};

/* The stream of a reader whose batches are validated in full before they are handed out. */
arrow::Status export_checked(std::shared_ptr<arrow::RecordBatchReader> reader,
                             struct ArrowArrayStream *stream_out);

} /* namespace teg */
#endif
