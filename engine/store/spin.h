/* A lock for a few instructions: list of open files, newest version. Never held across a system
 * call, an allocation that may be slow, or another lock. */
#ifndef TEG_ENGINE_STORE_SPIN_H
#define TEG_ENGINE_STORE_SPIN_H
#include <stdatomic.h>
#if !defined(__STDC_NO_THREADS__)
#include <threads.h>
#endif

struct spin {
	atomic_flag taken;
};

static inline void spin_init(struct spin *spin)
{
	atomic_flag_clear(&spin->taken);
}

static inline void spin_lock(struct spin *spin)
{
	while (atomic_flag_test_and_set_explicit(&spin->taken, memory_order_acquire)) {
#if !defined(__STDC_NO_THREADS__)
		thrd_yield();
#endif
	}
}

static inline void spin_unlock(struct spin *spin)
{
	atomic_flag_clear_explicit(&spin->taken, memory_order_release);
}
#endif
