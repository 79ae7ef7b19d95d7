/* Bytes that libarrow writes to a descriptor of ours, which may be a pipe. */
#ifndef TEG_TOOLS_OUTPUT_H
#define TEG_TOOLS_OUTPUT_H
#include <arrow/io/interfaces.h>

namespace teg
{

class output : public arrow::io::OutputStream
{
      public:
	explicit output(int fd) : fd_(fd)
	{
	}

	using arrow::io::OutputStream::Write;
	arrow::Status Write(const void *data, int64_t n) override;
	arrow::Result<int64_t> Tell() const override;
	arrow::Status Close() override;
	bool closed() const override;

      private:
	int fd_;
	bool closed_ = false;
	int64_t position_ = 0;
};

} /* namespace teg */
#endif
