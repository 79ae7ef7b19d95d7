/* Makes the kernel refuse single system calls of this process, for as long as it lives: what an
 * older kernel, a sandbox or a broken disk would do. Skips the test where there is no seccomp.
 */
#ifndef TEG_TESTS_SUPPORT_SECCOMP_H
#define TEG_TESTS_SUPPORT_SECCOMP_H

/* The call SYS_... fails with this errno. */
void test_forbid(long number, int with_errno);

/* The same for one command of fcntl. */
void test_forbid_fcntl(int command, int with_errno);
#endif
