/* Where libarrow's memory comes from: malloc itself, not the pool that libarrow would choose.
 *
 * That one (mimalloc or jemalloc) keeps freed pages for a second or for ever, so a program that
 * reads a file much larger than it holds at a time would be charged for all of it.
 */
#ifndef TEG_TOOLS_PARQUET_POOL_H
#define TEG_TOOLS_PARQUET_POOL_H
#include <arrow/memory_pool.h>

namespace teg
{

inline arrow::MemoryPool *pool()
{
	return arrow::system_memory_pool();
}

} /* namespace teg */
#endif
