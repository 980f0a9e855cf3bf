#include "tapd/common/random.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#ifndef HWCAP2_RNG /* asm/hwcap.h */
#define HWCAP2_RNG (1 << 16)
#endif
#endif

#define DIGEST_LEN 32

/* ---- what the CPU has ---- */

#if defined(__x86_64__)

static bool cpu_has_random(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & bit_RDRND;
}

__attribute__((target("rdrnd"))) static uint64_t cpu_random(void)
{
	unsigned long long value = 0;

	/* It fails only where the CPU's generator is worn out or broken. */
	for (int i = 0; i < 4 && !_rdrand64_step(&value); i++)
		;
	return value;
}

static uint64_t cpu_cycles(void)
{
	return __rdtsc();
}

#elif defined(__aarch64__)

static bool cpu_has_random(void)
{
	return getauxval(AT_HWCAP2) & HWCAP2_RNG;
}

static uint64_t cpu_random(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, s3_3_c2_c4_0" /* RNDR */
			 : "=r"(value)
			 :
			 : "cc");
	return value;
}

static uint64_t cpu_cycles(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
	return value;
}

#else

static bool cpu_has_random(void)
{
	return false;
}

static uint64_t cpu_random(void)
{
	return 0;
}

static uint64_t cpu_cycles(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_nsec;
}

#endif

/* ---- one call ---- */

struct drawn {
	uint8_t kernel[DIGEST_LEN];
	uint64_t cpu, cycles;
	struct timespec wall;
};

static bool draw(struct drawn *d, bool cpu)
{
	long n;

	memset(d, 0, sizeof(*d));
	/* Up to 256 bytes come whole or not at all: getrandom(2). */
	do {
		n = syscall(SYS_getrandom, d->kernel, sizeof(d->kernel), 0);
	} while (n < 0 && errno == EINTR);
	if (n != (long)sizeof(d->kernel))
		return false;
	if (cpu)
		d->cpu = cpu_random();
	d->cycles = cpu_cycles();
	clock_gettime(CLOCK_REALTIME, &d->wall);
	return true;
}

/* A digest that is counted on, and by what. */
struct block {
	uint8_t digest[DIGEST_LEN], count[8];
};

static bool expand(uint8_t *out, size_t len, const uint8_t first[DIGEST_LEN],
		   const EVP_MD *sha256)
{
	struct block in;
	uint8_t digest[DIGEST_LEN];
	bool ok = true;

	memcpy(in.digest, first, DIGEST_LEN);
	for (uint64_t i = 1; ok && len > 0; i++) {
		size_t part = len < DIGEST_LEN ? len : DIGEST_LEN;

		store_be64(in.count, i);
		ok = EVP_Digest(&in, sizeof(in), digest, NULL, sha256, NULL);
		memcpy(out, digest, part);
		out += part;
		len -= part;
	}
	bytes_wipe(&in, sizeof(in));
	bytes_wipe(digest, sizeof(digest));
	return ok;
}

bool random_fill(void *buf, size_t len)
{
	/* What hashes, and whether the CPU has a generator: neither is secret. */
	static EVP_MD *sha256;
	static bool cpu;
	uint8_t digest[DIGEST_LEN];
	struct drawn d;
	bool ok;

	if (!sha256) {
		cpu = cpu_has_random();
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	}
	errno = ENOMEM;
	ok = sha256 && draw(&d, cpu) &&
	     EVP_Digest(&d, sizeof(d), digest, NULL, sha256, NULL);
	if (ok && len <= DIGEST_LEN)
		memcpy(buf, digest, len);
	else
		ok = ok && expand(buf, len, digest, sha256);
	bytes_wipe(&d, sizeof(d));
	bytes_wipe(digest, sizeof(digest));
	return ok;
}
