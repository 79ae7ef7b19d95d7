#include "engine/store/recycle.h"
#include <string.h>
#include "codec/base/bits.h"
#include "codec/base/checked.h"
#include "engine/store/spin.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define FORBID(at, size) ASAN_POISON_MEMORY_REGION(at, size)
#define PERMIT(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
#else
#define FORBID(at, size) ((void)(at), (void)(size))
#define PERMIT(at, size) ((void)(at), (void)(size))
#endif

#define N_CLASSES 56    /* 8 KiB to 112 MiB; larger blocks are not kept */
#define CLASSES_TRIED 4 /* the next doubling */

/* In front of a large block. */
struct head {
	_Alignas(16) struct head *next;
	size_t size; /* bytes that follow */
};

struct recycler {
	teg_allocator face;
	const teg_allocator *under;
	_Atomic size_t n_blocks; /* out, and one for the store */
	struct spin lock;        /* over the rest */
	bool closed;
	size_t idle_size;
	struct head *idle[N_CLASSES];
};

static size_t class_size(unsigned class)
{
	return (RECYCLE_FROM << class / 4) / 4 * (4 + class % 4);
}

/* The first class whose blocks hold `size` bytes; N_CLASSES: none. */
static unsigned class_of(size_t size)
{
	unsigned class = size <= RECYCLE_FROM ? 0 : (bit_width((size - 1) / RECYCLE_FROM) - 1) * 4;

	while (class < N_CLASSES && class_size(class) < size)
		class ++;
	return class;
}

/* Bytes that a block of `size` gets. */
static size_t room_for(size_t size)
{
	unsigned class = class_of(size);

	return class < N_CLASSES ? class_size(class) : size;
}

static void *body(struct head *head)
{
	return head + 1;
}

static struct head *head_of(void *block)
{
	return (struct head *)block - 1;
}

static void free_head(struct recycler *r, struct head *head)
{
	PERMIT(body(head), head->size);
	r->under->free(r->under->ctx, head, sizeof *head + head->size);
}

static void free_list(struct recycler *r, struct head *list)
{
	while (list) {
		struct head *next = list->next;

		free_head(r, list);
		list = next;
	}
}

/* Takes idle blocks off the shelves, the largest first, until no more than `keep` bytes lie there. */
static struct head *shed(struct recycler *r, size_t keep)
{
	struct head *list = NULL;

	for (unsigned class = N_CLASSES; class -- > 0 && r->idle_size > keep;)
		while (r->idle[class] && r->idle_size > keep) {
			struct head *head = r->idle[class];

			r->idle[class] = head->next;
			r->idle_size -= head->size;
			head->next = list;
			list = head;
		}
	return list;
}

/* An idle block; NULL: none fits, and *spare_out is to be freed. */
static struct head *take_idle(struct recycler *r, unsigned class, struct head **spare_out)
{
	struct head *head = NULL;

	*spare_out = NULL;
	spin_lock(&r->lock);
	for (unsigned c = class; c <= class + CLASSES_TRIED && c < N_CLASSES && !head; c++) {
		head = r->idle[c];
		if (head)
			r->idle[c] = head->next;
	}
	if (head)
		r->idle_size -= head->size;
	else
		*spare_out = shed(r, RECYCLE_FLOOR);
	spin_unlock(&r->lock);
	return head;
}

static void *take_large(struct recycler *r, size_t size)
{
	unsigned class = class_of(size);
	size_t room = room_for(size), total;
	struct head *head = NULL, *spare = NULL;

	if (class < N_CLASSES)
		head = take_idle(r, class, &spare);
	free_list(r, spare);
	if (!head) {
		if (!size_add(room, sizeof *head, &total))
			return NULL;
		head = r->under->alloc(r->under->ctx, total);
		if (!head)
			return NULL;
		head->size = room;
	}
	PERMIT(body(head), size);
	FORBID((uint8_t *)body(head) + size, head->size - size);
	return body(head);
}

static void give_large(struct recycler *r, void *block)
{
	struct head *head = head_of(block), *spare = head;
	unsigned class = class_of(head->size);

	spin_lock(&r->lock);
	if (!r->closed && class < N_CLASSES) {
		FORBID(block, head->size);
		head->next = r->idle[class];
		r->idle[class] = head;
		r->idle_size += head->size;
		spare = shed(r, RECYCLE_KEEP);
	} else {
		spare->next = NULL;
	}
	spin_unlock(&r->lock);
	free_list(r, spare);
}

/* The store and every block count; whoever is last frees the recycler. */
static void drop_share(struct recycler *r)
{
	const teg_allocator *under = r->under;

	if (atomic_fetch_sub(&r->n_blocks, 1) == 1)
		mem_free(under, r, sizeof *r);
}

static void *take(void *ctx, size_t size)
{
	struct recycler *r = ctx;
	void *block = size < RECYCLE_FROM ? r->under->alloc(r->under->ctx, size)
	                                  : take_large(r, size);

	if (block)
		atomic_fetch_add(&r->n_blocks, 1);
	return block;
}

static void give(void *ctx, void *block, size_t size)
{
	struct recycler *r = ctx;

	if (!block)
		return;
	if (size < RECYCLE_FROM)
		r->under->free(r->under->ctx, block, size);
	else
		give_large(r, block);
	drop_share(r);
}

/* What is as large as this grows where it is, if the allocator below can do that. */
#define GROW_FROM (1u << 20)

static void *grow_large(struct recycler *r, void *block, size_t size)
{
	struct head *head = head_of(block);
	size_t room = room_for(size), total;

	if (!size_add(room, sizeof *head, &total))
		return NULL;
	PERMIT(block, head->size);
	head = r->under->realloc(r->under->ctx, head, sizeof *head + head->size, total);
	if (!head)
		return NULL;
	head->size = room;
	FORBID((uint8_t *)body(head) + size, room - size);
	return body(head);
}

static void *retake(void *ctx, void *block, size_t old_size, size_t size)
{
	struct recycler *r = ctx;
	void *moved;

	if (!block)
		return take(ctx, size);
	if (old_size < RECYCLE_FROM && size < RECYCLE_FROM)
		return r->under->realloc(r->under->ctx, block, old_size, size);
	if (old_size >= RECYCLE_FROM && size >= RECYCLE_FROM && size <= head_of(block)->size) {
		PERMIT(block, size);
		FORBID((uint8_t *)block + size, head_of(block)->size - size);
		return block;
	}
	if (old_size >= GROW_FROM && size > old_size)
		return grow_large(r, block, size);
	moved = take(ctx, size);
	if (!moved)
		return NULL;
	memcpy(moved, block, size_min(old_size, size));
	give(ctx, block, old_size);
	return moved;
}

struct recycler *recycler_new(const teg_allocator *under)
{
	struct recycler *r = mem_zalloc(under, sizeof *r);

	if (!r)
		return NULL;
	r->face = (teg_allocator){ take, retake, give, r };
	r->under = under;
	atomic_init(&r->n_blocks, 1);
	spin_init(&r->lock);
	return r;
}

void recycler_close(struct recycler *r)
{
	struct head *list;

	if (!r)
		return;
	spin_lock(&r->lock);
	r->closed = true;
	list = shed(r, 0);
	spin_unlock(&r->lock);
	free_list(r, list);
	drop_share(r);
}

const teg_allocator *recycler_allocator(const struct recycler *r)
{
	return &r->face;
}

size_t recycler_idle(struct recycler *r)
{
	size_t size;

	spin_lock(&r->lock);
	size = r->idle_size;
	spin_unlock(&r->lock);
	return size;
}
