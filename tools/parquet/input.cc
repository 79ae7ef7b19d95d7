#include "tools/parquet/input.h"
#include "tools/parquet/pool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include <arrow/buffer.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/util/io_util.h>

namespace teg
{

outcome input::open(const char *path, int fd, std::shared_ptr<input> *input_out)
{
	struct stat facts;
	bool own = fd < 0;

	if (own && !path)
		return refuse(TEG_PARQUET_MISUSE, "bad argument");
	if (own)
		fd = ::open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refuse_errno(errno, "cannot open");
	if (own && (fstat(fd, &facts) || !S_ISREG(facts.st_mode))) {
		::close(fd);
		return refuse(TEG_PARQUET_MISUSE, "is not a plain file");
	}
	input_out->reset(new input(fd, own));
	return {};
}

input::~input()
{
	if (own_)
		::close(fd_);
}

/* read(2) until n bytes or the end. */
static arrow::Result<int64_t> read_all(int fd, char *out, int64_t n)
{
	int64_t at = 0;

	while (at < n) {
		ssize_t got = ::read(fd, out + at, static_cast<size_t>(n - at));

		if (got < 0 && errno != EINTR)
			return arrow::internal::IOErrorFromErrno(errno, "cannot read");
		if (!got)
			break;
		at += got > 0 ? got : 0;
	}
	return at;
}

arrow::Result<std::string> input::look(size_t n)
{
	size_t had = held_.size();

	if (had < n) {
		held_.resize(n);
		ARROW_ASSIGN_OR_RAISE(int64_t got, read_all(fd_, held_.data() + had,
		                                            static_cast<int64_t>(n - had)));
		held_.resize(had + static_cast<size_t>(got));
	}
	return held_.substr(0, n);
}

arrow::Status input::Close()
{
	closed_ = true;
	return arrow::Status::OK();
}

bool input::closed() const
{
	return closed_;
}

arrow::Result<int64_t> input::Tell() const
{
	return position_;
}

arrow::Result<int64_t> input::Read(int64_t n, void *out)
{
	auto from_held = std::min<int64_t>(n, static_cast<int64_t>(held_.size() - held_at_));

	std::copy_n(held_.data() + held_at_, from_held, static_cast<char *>(out));
	held_at_ += static_cast<size_t>(from_held);
	if (held_at_ == held_.size() && !held_.empty()) {
		held_ = std::string();
		held_at_ = 0;
	}
	ARROW_ASSIGN_OR_RAISE(int64_t got,
	                      read_all(fd_, static_cast<char *>(out) + from_held, n - from_held));
	position_ += from_held + got;
	quotes_ += std::count(static_cast<char *>(out), static_cast<char *>(out) + from_held + got,
	                      '"');
	return from_held + got;
}

/* In steps, so that a length which is a lie costs no more than the bytes there are. */
arrow::Result<std::shared_ptr<arrow::Buffer>> input::Read(int64_t n)
{
	constexpr int64_t STEP = 16 << 20;
	int64_t at = 0;
	ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(std::min(n, STEP)));

	for (;;) {
		int64_t room = buffer->size() - at;
		ARROW_ASSIGN_OR_RAISE(int64_t got, Read(room, buffer->mutable_data() + at));

		at += got;
		if (got < room || at == n)
			break;
		ARROW_RETURN_NOT_OK(buffer->Resize(std::min(n, at * 2)));
	}
	ARROW_RETURN_NOT_OK(buffer->Resize(at, /*shrink_to_fit=*/false));
	return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

namespace
{

class limited_pool : public arrow::MemoryPool
{
      public:
	void allow(int64_t limit)
	{
		limit_ = std::max(limit_.load(), limit);
	}

	using MemoryPool::Allocate;
	using MemoryPool::Free;
	using MemoryPool::Reallocate;

	arrow::Status Allocate(int64_t size, int64_t alignment, uint8_t **out) override
	{
		ARROW_RETURN_NOT_OK(check(size));
		return inner_->Allocate(size, alignment, out);
	}

	arrow::Status Reallocate(int64_t old_size, int64_t new_size, int64_t alignment,
	                         uint8_t **at) override
	{
		ARROW_RETURN_NOT_OK(check(new_size - old_size));
		return inner_->Reallocate(old_size, new_size, alignment, at);
	}

	void Free(uint8_t *buffer, int64_t size, int64_t alignment) override
	{
		inner_->Free(buffer, size, alignment);
	}

	int64_t bytes_allocated() const override
	{
		return inner_->bytes_allocated();
	}

	int64_t total_bytes_allocated() const override
	{
		return inner_->total_bytes_allocated();
	}

	int64_t num_allocations() const override
	{
		return inner_->num_allocations();
	}

	std::string backend_name() const override
	{
		return inner_->backend_name();
	}

      private:
	arrow::Status check(int64_t more) const
	{
		if (more > 0 && more > limit_ - inner_->bytes_allocated())
			return arrow::Status::OutOfMemory("a batch is larger than the budget of ",
			                                  limit_.load(), " bytes");
		return arrow::Status::OK();
	}

	arrow::MemoryPool *inner_ = pool();
	std::atomic<int64_t> limit_ = 0;
};

/* Lets nothing through that was not looked at, and no exception. */
class checked_reader : public arrow::RecordBatchReader
{
      public:
	explicit checked_reader(std::shared_ptr<arrow::RecordBatchReader> reader)
		: reader_(std::move(reader))
	{
	}

	std::shared_ptr<arrow::Schema> schema() const override
	{
		return reader_->schema();
	}

	arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch> *batch_out) override
	{
		try {
			ARROW_RETURN_NOT_OK(reader_->ReadNext(batch_out));
			return *batch_out ? (*batch_out)->ValidateFull() : arrow::Status::OK();
		} catch (const std::bad_alloc &) {
			return arrow::Status::OutOfMemory("out of memory");
		} catch (const std::exception &thrown) {
			return arrow::Status::IOError(thrown.what());
		}
	}

      private:
	std::shared_ptr<arrow::RecordBatchReader> reader_;
};

} /* namespace */

arrow::MemoryPool *budget_for(int fd)
{
	static limited_pool budget;
	struct stat facts;

	budget.allow((int64_t{ 1 } << 30) + (fstat(fd, &facts) ? 0 : facts.st_size));
	return &budget;
}

arrow::Status export_checked(std::shared_ptr<arrow::RecordBatchReader> reader,
                             struct ArrowArrayStream *stream_out)
{
	return arrow::ExportRecordBatchReader(std::make_shared<checked_reader>(std::move(reader)),
	                                      stream_out);
}

} /* namespace teg */
