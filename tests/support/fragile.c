#include "tests/support/fragile.h"
#include <criterion/criterion.h>

void fragile_init(struct fragile *f, uint64_t seed)
{
	memory_init(&f->mem);
	f->disk = os_memory_new(&f->mem.alloc, seed);
	f->os = os_faulty_new(f->disk, &f->mem.alloc);
}

bool fragile_heal(struct fragile *f)
{
	bool hit = faulty_hit(f->os);

	cr_assert(faulty_barriers_held(f->os));
	os_free(f->os);
	f->os = NULL;
	return hit;
}

void fragile_release(struct fragile *f)
{
	os_free(f->os);
	os_free(f->disk);
	memory_check(&f->mem);
}
