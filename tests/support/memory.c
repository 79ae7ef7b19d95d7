#include "tests/support/memory.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 0x7e6a11c0b10c5eedu
#define GONE 0xdeadb10cdeadb10cu
#define TAIL sizeof(uint64_t)

struct head {
	_Alignas(max_align_t) size_t size;
	uint64_t magic;
};

/* Asks for `more` bytes on behalf of one request; false where it is to be refused. */
static bool admit(struct memory *mem, size_t more)
{
	bool chosen;

	mem->n_requests++;
	chosen = mem->fail_at && (mem->fail_once ? mem->n_requests == mem->fail_at
	                                         : mem->n_requests >= mem->fail_at);
	if (chosen || mem->live_len > mem->cap || more > mem->cap - mem->live_len) {
		mem->n_refused++;
		return false;
	}
	return true;
}

static void *new_block(struct memory *mem, size_t size)
{
	static const uint64_t magic = MAGIC;
	struct head *head;
	uint8_t *bytes;

	if (size > SIZE_MAX - sizeof *head - TAIL)
		return NULL;
	head = malloc(sizeof *head + size + TAIL);
	if (!head)
		return NULL;
	bytes = (uint8_t *)(head + 1);
	head->size = size;
	head->magic = MAGIC;
	memset(bytes, 0xa5, size);
	memcpy(bytes + size, &magic, TAIL);
	mem->n_live++;
	mem->live_len += size;
	if (mem->live_len > mem->peak_len)
		mem->peak_len = mem->live_len;
	return bytes;
}

static struct head *head_of(void *block, size_t size)
{
	struct head *head = (struct head *)block - 1;
	uint64_t tail;

	cr_assert_neq(head->magic, GONE, "a block of %zu bytes is freed twice", size);
	cr_assert_eq(head->magic, MAGIC, "a block that this allocator did not give is freed");
	cr_assert_eq(head->size, size, "a block of %zu bytes comes back as %zu", head->size, size);
	memcpy(&tail, (uint8_t *)block + size, TAIL);
	cr_assert_eq(tail, MAGIC, "a block of %zu bytes was written past its end", size);
	return head;
}

static void drop_block(struct memory *mem, void *block, size_t size)
{
	struct head *head = head_of(block, size);

	mem->n_live--;
	mem->live_len -= size;
	memset(block, 0x5a, size);
	head->magic = GONE;
	free(head);
}

static void *on_alloc(void *ctx, size_t size)
{
	struct memory *mem = ctx;
	void *block;

	pthread_mutex_lock(&mem->lock);
	block = admit(mem, size) ? new_block(mem, size) : NULL;
	pthread_mutex_unlock(&mem->lock);
	return block;
}

/* Always moves, so that a pointer kept over a growth is found. */
static void *on_realloc(void *ctx, void *block, size_t old_size, size_t size)
{
	struct memory *mem = ctx;
	void *moved;

	pthread_mutex_lock(&mem->lock);
	head_of(block, old_size);
	moved = admit(mem, size > old_size ? size - old_size : 0) ? new_block(mem, size) : NULL;
	if (moved) {
		memcpy(moved, block, old_size < size ? old_size : size);
		drop_block(mem, block, old_size);
	}
	pthread_mutex_unlock(&mem->lock);
	return moved;
}

static void on_free(void *ctx, void *block, size_t size)
{
	struct memory *mem = ctx;

	if (!block)
		return;
	pthread_mutex_lock(&mem->lock);
	drop_block(mem, block, size);
	pthread_mutex_unlock(&mem->lock);
}

void memory_init(struct memory *mem)
{
	*mem = (struct memory){ .alloc = { on_alloc, on_realloc, on_free, mem }, .cap = SIZE_MAX };
	pthread_mutex_init(&mem->lock, NULL);
}

void memory_check(struct memory *mem)
{
	cr_assert_eq(mem->n_live, 0, "%zu blocks with %zu bytes are still live", mem->n_live,
	             mem->live_len);
	cr_assert_eq(mem->live_len, 0);
}

/* One run with request `n` refused; gives whether a refusal was met. */
static bool run_refused(teg_status (*action)(const teg_allocator *, void *), void *ctx, size_t n,
                        bool once, size_t *n_requests_out)
{
	struct memory mem;
	teg_status status;

	memory_init(&mem);
	mem.fail_at = n;
	mem.fail_once = once;
	status = action(&mem.alloc, ctx);
	cr_assert_eq(status, mem.n_refused ? TEG_NOMEM : TEG_OK, "request %zu refused%s: status %d",
	             n, once ? " once" : "", (int)status);
	memory_check(&mem);
	*n_requests_out = mem.n_requests;
	return mem.n_refused > 0;
}

size_t memory_fail_each(teg_status (*action)(const teg_allocator *, void *), void *ctx)
{
	size_t n = 1, n_requests;

	while (run_refused(action, ctx, n, true, &n_requests)) {
		run_refused(action, ctx, n, false, &n_requests);
		n++;
	}
	return n_requests;
}
