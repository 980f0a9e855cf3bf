#include "support/main.h"
#include "tapd/log/log.h"
#include "tapd/rights/sandbox.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Check makes calls that the daemon does not: what is filtered is a process of its
 * own, which says by its exit code in which line it was wrong. */
#define MUST(what)                                 \
	do {                                       \
		if (!(what))                       \
			_exit(__LINE__ % 255 + 1); \
	} while (0)

static void run_filtered(void (*body)(int), int argument)
{
	int status = 0;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		body(argument);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "signal %d", WTERMSIG(status));
	ck_assert_msg(WEXITSTATUS(status) == 0, "line %d (modulo 255)",
		      WEXITSTATUS(status) - 1);
}

static int logged;

/* What the log has, from here on. */
static void catch_log(void)
{
	char path[] = "/tmp/test_sandbox.XXXXXX";

	fflush(NULL);
	logged = mkstemp(path);
	MUST(logged >= 0);
	unlink(path);
	MUST(dup2(logged, STDERR_FILENO) == STDERR_FILENO);
}

static bool has_logged(const char *text, unsigned times)
{
	static char all[65536];
	ssize_t n = pread(logged, all, sizeof(all) - 1, 0);
	unsigned count = 0;

	MUST(n >= 0);
	all[n] = '\0';
	for (const char *at = all; (at = strstr(at, text)); at++)
		count++;
	return count == times;
}

static void enter(void)
{
	char *error = NULL;

	if (!sandbox_is_built())
		return;
	MUST(sandbox_enter(&error));
	MUST(!(error));
}

static void none(int number)
{
	(void)number;
}

static long call_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long call_fork(void)
{
	return (long)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long call_execve(void)
{
	char *const argv[] = { (char[]){ "true" }, NULL };

	return execve("/bin/true", argv, NULL);
}

static long call_kill(void)
{
	return kill(1, 0);
}

static long call_mount(void)
{
	return mount("none", "/", "tmpfs", 0, NULL);
}

static long call_map_code(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? -1 : 0;
}

static long call_protect(void)
{
	static _Alignas(4096) char page[4096];

	return mprotect(page, sizeof(page), PROT_READ | PROT_EXEC);
}

static long call_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
}

static long call_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static const struct {
	const char *name;
	long (*call)(void);
} refused[] = {
	{ "ptrace", call_ptrace },    { "clone", call_fork },
	{ "execve", call_execve },    { "kill", call_kill },
	{ "mount", call_mount },      { "mmap", call_map_code },
	{ "mprotect", call_protect }, { "prctl", call_dumpable },
	{ "socket", call_packet },
};
#define REFUSED (sizeof(refused) / sizeof(refused[0]))

/* It fails as a call that is not allowed does, and the process goes on. */
static void check_other_calls_fail_and_are_logged_once(int at)
{
	char text[64];

	snprintf(text, sizeof(text), "system call %s (", refused[at].name);
	catch_log();
	enter();
	if (!sandbox_is_built())
		return;
	for (int i = 0; i < 3; i++) {
		errno = 0;
		MUST(refused[at].call() == -1);
		MUST(errno == EPERM);
		sandbox_report();
		MUST(has_logged(text, 1));
	}
	MUST(has_logged("was refused", 1));
}

START_TEST(attack_other_calls_fail_and_are_logged_once)
{
	run_filtered(check_other_calls_fail_and_are_logged_once, _i);
}
END_TEST

static void check_several_are_told_of_together(int at)
{
	(void)at;
	catch_log();
	enter();
	if (!sandbox_is_built())
		return;
	for (size_t i = 0; i < REFUSED; i++)
		MUST(refused[i].call() == -1);
	MUST(has_logged("was refused", 0));
	sandbox_report();
	MUST(has_logged("was refused", REFUSED));
}

START_TEST(several_are_told_of_together)
{
	run_filtered(check_several_are_told_of_together, _i);
}
END_TEST

/* However many: an attacker does not fill the log. */
static void check_all_calls_there_are_are_few_lines(int at)
{
	(void)at;
	catch_log();
	enter();
	if (!sandbox_is_built())
		return;
	for (int number = 1000; number < 2000; number++)
		MUST(syscall(number) == -1);
	sandbox_report();
	MUST(has_logged("was refused", 32));
}

START_TEST(attack_all_calls_there_are_are_few_lines)
{
	run_filtered(check_all_calls_there_are_are_few_lines, _i);
}
END_TEST

static void check_what_it_needs_works(int at)
{
	struct sigaction action = { .sa_handler = none };
	struct timespec little = { .tv_nsec = 1000 };
	char text[64];
	void *large;
	FILE *f;
	int fd;

	(void)at;
	catch_log();
	enter();
	f = fopen("/proc/self/status", "re");
	MUST((f) != NULL);
	MUST((fgets(text, sizeof(text), f)) != NULL);
	fclose(f);
	large = malloc((size_t)64 << 20);
	MUST((large) != NULL);
	large = realloc(large, (size_t)96 << 20);
	MUST((large) != NULL);
	free(large);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
	MUST(fd >= 0);
	close(fd);
	MUST(sigaction(SIGUSR1, &action, NULL) == 0);
	MUST(raise(SIGUSR1) == 0);
	nanosleep(&little, NULL);
	sched_yield();
	sandbox_report();
	MUST(has_logged("refused", 0));
}

START_TEST(what_it_needs_works)
{
	run_filtered(check_what_it_needs_works, _i);
}
END_TEST

/* ---- the helper's ---- */

static int run(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_a_hook_runs_and_does_not_get_at_others(int at)
{
	(void)at;
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0);
	sandbox_enter_helper();
	if (!sandbox_is_built())
		return;
	MUST(run("exit 7") == 7);
	MUST(run("cat /proc/self/status | grep -q 'Seccomp:.2'") == 0);
	MUST(call_ptrace() == -1);
	MUST(errno == EPERM);
	MUST(call_mount() == -1);
	MUST(errno == EPERM);
	MUST(unshare(CLONE_NEWUSER) == -1);
	MUST(errno == EPERM);
	MUST(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) == -1);
	MUST(errno == EPERM);
	MUST(syscall(SYS_clone3, NULL, 0) == -1);
	MUST(errno == ENOSYS);
}

START_TEST(a_hook_runs_and_does_not_get_at_others)
{
	run_filtered(check_a_hook_runs_and_does_not_get_at_others, _i);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("sandbox", .timeout_s = 30),
	UNIT_LOOP(attack_other_calls_fail_and_are_logged_once, REFUSED),
	UNIT_TEST(several_are_told_of_together),
	UNIT_TEST(attack_all_calls_there_are_are_few_lines),
	UNIT_TEST(what_it_needs_works),
	UNIT_TEST(a_hook_runs_and_does_not_get_at_others),
};

UNIT_MAIN("sandbox", tests)
