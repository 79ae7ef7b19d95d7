/* Raw deflate through libarrow's codec. */
#include "tools/parquet/formats.h"

#include <memory>

#include <arrow/result.h>
#include <arrow/util/compression.h>

struct teg_inflater {
	std::unique_ptr<arrow::util::Codec> codec;
	std::shared_ptr<arrow::util::Decompressor> run;
};

extern "C" struct teg_inflater *teg_inflater_new(void)
{
	try {
		arrow::util::GZipCodecOptions options;

		options.gzip_format = arrow::util::GZipFormat::DEFLATE;
		auto codec = arrow::util::Codec::Create(arrow::Compression::GZIP, options);
		if (!codec.ok())
			return nullptr;
		auto run = (*codec)->MakeDecompressor();
		if (!run.ok())
			return nullptr;
		return new teg_inflater{ std::move(*codec), std::move(*run) };
	} catch (const std::exception &) {
		return nullptr;
	}
}

extern "C" void teg_inflater_free(struct teg_inflater *inflater)
{
	delete inflater;
}

extern "C" bool teg_inflater_run(struct teg_inflater *inflater, const uint8_t **in, size_t *in_len,
                                 uint8_t **out, size_t *out_len, bool *end_out)
{
	try {
		auto done = inflater->run->Decompress(static_cast<int64_t>(*in_len), *in,
		                                      static_cast<int64_t>(*out_len), *out);

		if (!done.ok())
			return false;
		*in += done->bytes_read;
		*in_len -= static_cast<size_t>(done->bytes_read);
		*out += done->bytes_written;
		*out_len -= static_cast<size_t>(done->bytes_written);
		*end_out = inflater->run->IsFinished();
		return true;
	} catch (const std::exception &) {
		return false;
	}
}
