/* Status codes and the caller-owned error record. Public: installed beside tegula.h.
 *
 * Every fallible call returns a teg_status and may fill a teg_error that the caller owns. Nothing
 * here allocates, and there is no hidden state per thread: an error belongs to one call.
 *
 * Numbers are frozen (tests/codec/base/status_test.c holds the table).
 */
#ifndef TEG_CODEC_BASE_STATUS_H
#define TEG_CODEC_BASE_STATUS_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TEG_MUST_USE __attribute__((warn_unused_result))
#define TEG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define TEG_API __attribute__((visibility("default")))
#else
#define TEG_MUST_USE
#define TEG_PRINTF(fmt, args)
#define TEG_API
#endif

typedef enum teg_status {
	TEG_OK = 0,
	TEG_END = 1,          /* iteration is over: not an error */
	TEG_IO = -1,          /* a system call failed: os_errno says how */
	TEG_CORRUPT = -2,     /* bytes that a correct writer cannot have written */
	TEG_UNSUPPORTED = -3, /* a newer format, a type or an option that this build lacks */
	TEG_LIMIT = -4,       /* a budget or a format limit would be exceeded */
	TEG_NOMEM = -5,       /* the allocator said no */
	TEG_MISUSE = -6,      /* a bad argument or call order: nothing changed */
	TEG_NOT_FOUND = -7,   /* no such store, array, column, key or version */
	TEG_EXISTS = -8,      /* create found something already there */
	TEG_CONFLICT = -9,    /* another writer's commit excludes this one */
	TEG_SCHEMA = -10,     /* data that does not fit the array's schema: array, column, row */
	TEG_DOMAIN = -11,     /* a coordinate outside its dimension's domain, or NaN, or null */
	TEG_TIME_ORDER = -12, /* a system time not greater than the array's last */
	TEG_KEY_REUSED = -13, /* an idempotency key with other content */
	TEG_SNAPSHOT_EXPIRED = -14, /* vacuum has removed what this snapshot needs */
	TEG_BEYOND_HORIZON = -15,   /* a system time before the array's horizon */
	TEG_CANCELLED = -16,        /* the caller's progress function asked to stop */
	TEG_COMMIT_UNKNOWN = -17, /* a commit may or may not be durable: read back before a retry */
	TEG_READ_ONLY = -18,      /* the store or its directory cannot be written */
	TEG_INTERNAL = -19        /* the library contradicts itself: its own fault */
} teg_status;

/* The name of a status as written above without TEG_, in lower case ("corrupt"). Never NULL. */
TEG_API const char *teg_status_name(teg_status status);

/* Where and why a call failed. The caller owns it and may pass NULL instead. A successful call
 * leaves it alone. Strings are always terminated and are cut at a whole UTF-8 character. */
typedef struct teg_error {
	teg_status status;
	int32_t os_errno; /* errno of the failed system call, else 0 */
	int64_t offset;   /* byte offset in `file`, else -1 */
	int64_t row;      /* row of the caller's input or of the array, else -1 */
	char file[96];    /* path below the store, or the store's own; else "" */
	char array[96];   /* else "" */
	char column[96];  /* dimension or attribute, else "" */
	char message[288];
} teg_error;

#ifdef __cplusplus
}
#endif
#endif
