/* Where an export goes: a file that appears under its name when it is whole and synced, or stdout.
 *
 *   target_open -> write to target.fd -> target_publish      target_abandon removes what is left
 *
 * A file of that name stays as it is unless `replace` was asked for, also one that came meanwhile.
 * Each returns an exit code, said on stderr.
 */
#ifndef TILECTL_TARGET_H
#define TILECTL_TARGET_H
#include <stdbool.h>

struct target {
	const char *path;
	char *temporary; /* NULL: stdout, or there is nothing to remove */
	int fd;
	bool replace;
};

/* EXIT_FAILED where something of that name is there that must stay. */
int target_check(const char *path, bool replace);
/* "-" is stdout. Call target_abandon in any case. */
int target_open(struct target *target, const char *path, bool replace);
int target_publish(struct target *target);
void target_abandon(struct target *target);
#endif
