/* What encoding and decoding reuse from chunk to chunk. Memory grows to what the largest chunk
 * needed and stays. One thread at a time.
 */
#ifndef TEG_CODEC_COLUMN_SCRATCH_H
#define TEG_CODEC_COLUMN_SCRATCH_H
#include "codec/base/buf.h"
#include "codec/column/chunk.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

struct codec_scratch {
	const teg_allocator *alloc;
	struct ZSTD_CCtx_s
		*compressor; /* made when first needed, in memory of `alloc` where zstd */
	struct ZSTD_DCtx_s *decompressor; /* lets it (see CMakeLists.txt) */
	struct buf payload;               /* a page before zstd, on the way in or out */
	uint64_t opened;           /* hash of the page whose bytes before zstd those are; 0: none */
	struct buf filled;         /* values whose null slots were filled, and their offsets */
	struct buf blocks;         /* statistics, block by block */
	struct buf splits;         /* the split of each block in PATCHED */
	struct buf lens;           /* bytes of each block in the encoding chosen */
	struct buf pages;          /* struct chunk_page of the chunk being written */
	struct buf codes;          /* uint16_t, dictionary code of every value */
	struct buf entries;        /* distinct values while a dictionary is built */
	struct buf order;          /* and their order */
	struct buf table;          /* hash table over them */
	struct buf integers;       /* of ALP: int64_t of every value */
	struct buf integer_blocks; /* their statistics */
	struct buf counts;         /* exceptions in each block of ALP */
	struct buf alp_lens;       /* bytes of each block in ALP */
	struct buf words; /* words of part of a page: run values, exceptions, integers of ALP */
	struct buf more;  /* a second such list: run lengths, positions */
	struct column_buf values;   /* the values of a dictionary */
	struct column_buf searched; /* of a page that is searched */
};

/* Room for n elements of `size` bytes in `b`, what was there is lost. NULL: no memory. */
void *scratch_array(struct buf *b, size_t n, size_t size);
#endif
