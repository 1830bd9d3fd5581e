/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Usage: fuzz_NAME FILE...   Gives the target each file, then $RUNS mutations of them: the same
 * ones for the same $SEED. What libFuzzer does, without clang and without a clock, for `make
 * check`. Where the target dies, or needs seconds of the processor, the input is left in
 * fuzz_NAME.crash; `RUNS=0 fuzz_NAME fuzz_NAME.crash` asks it again. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

/* Of a mutation. One in so many is a piece of its file over and over, until it is as large: what
 * takes quadratic time shows. */
#define LARGEST ((size_t)1 << 20)
#define BLOWN_UP_EVERY 100
#define HANGS_AFTER_S 60
/* A reader needs less than a second for them; a target asks several, some twice. */
#ifdef __SANITIZE_ADDRESS__
#define SLOW_S 30.0
#else
#define SLOW_S 3.0
#endif

struct input {
	uint8_t *bytes;
	size_t len;
};

static struct input running;
static char crash_path[1024];
static double slowest_s;

/* ---- dying ---- */

static void keep_input(void)
{
	static const char text[] = ": the input that broke it\n";
	int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, running.bytes, running.len) < 0 || close(fd) < 0)
		return;
	(void)!write(STDERR_FILENO, crash_path, strlen(crash_path));
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
}

static void on_death(int number)
{
	keep_input();
	(void)raise(number); /* the handler is reset */
}

/* How the sanitizers, where they are linked in, tell that they end the process. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch_for_death(void)
{
	static const int signals[] = { SIGABRT, SIGVTALRM, SIGSEGV, SIGBUS, SIGFPE };
	static char stack[65536]; /* the usual one may be what ran out */
	const stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = on_death,
				    .sa_flags = (int)(SA_RESETHAND | SA_ONSTACK) };
	size_t n = ARRAY_LEN(signals);

	if (__sanitizer_set_death_callback) {
		__sanitizer_set_death_callback(keep_input);
		n = 2; /* they report the others better */
	}
	(void)sigaltstack(&other, NULL);
	for (size_t i = 0; i < n; i++)
		(void)sigaction(signals[i], &action, NULL);
}

/* ---- running ---- */

static double now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* In memory of just its size, so that reading past its end shows. */
static void run(const uint8_t *bytes, size_t len)
{
	const struct itimerval limit = { .it_value.tv_sec = HANGS_AFTER_S };

	running = (struct input){ malloc(len ? len : 1), len };
	assert(running.bytes);
	if (len)
		memcpy(running.bytes, bytes, len);
	(void)setitimer(ITIMER_VIRTUAL, &limit, NULL);
	double start = now_s();
	(void)LLVMFuzzerTestOneInput(running.bytes, len);
	double took = now_s() - start;
	if (took > slowest_s)
		slowest_s = took;
	if (took > SLOW_S) {
		(void)fprintf(stderr, "%.1f s for %zu bytes\n", took, len);
		abort();
	}
	free(running.bytes);
}

/* ---- mutating ---- */

static uint64_t seed; /* splitmix64 */

static size_t below(size_t n)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return n ? (size_t)((z ^ z >> 31) % n) : 0;
}

/* Up to @most, rather little. */
static size_t some(size_t most)
{
	size_t n = below((size_t)1 << below(12));

	return n < most ? n : most;
}

static uint8_t buffer[LARGEST], piece[LARGEST];
static size_t buffer_len;

/* Puts the first @n bytes of piece in the place of @drop bytes at @at. */
static void replace(size_t at, size_t drop, size_t n)
{
	size_t rest = at + drop;

	if (n > LARGEST - (buffer_len - drop))
		n = LARGEST - (buffer_len - drop);
	memmove(buffer + at + n, buffer + rest, buffer_len - rest);
	memcpy(buffer + at, piece, n);
	buffer_len += n - drop;
}

/* A part of the bytes, sometimes a whole line. */
static size_t take_piece(const uint8_t *bytes, size_t len)
{
	size_t at = below(len), n = 1 + some(len - at);
	const uint8_t *line = memrchr(bytes, '\n', at), *end = memchr(bytes + at, '\n', len - at);

	if (line && end && below(2)) {
		at = (size_t)(line + 1 - bytes);
		n = (size_t)(end - line);
	}
	if (n > len - at)
		n = len - at;
	if (n > LARGEST)
		n = LARGEST;
	memcpy(piece, bytes + at, n);
	return n;
}

static size_t take_byte(void)
{
	static const char telling[] = "\0\n\t \"'\\{}[]:,-?&*#|>!%@$/.=<09azAZ\x7f\x80\xff";

	piece[0] = (uint8_t)(below(2) ? (size_t)telling[below(sizeof(telling))] : below(256));
	return 1;
}

/* In print, or as the host keeps it. */
static size_t take_number(void)
{
	static const uint64_t telling[] = { 0,		1,	    2,	       16,
					    255,	256,	    65535,     65536,
					    INT32_MAX,	UINT32_MAX, INT64_MAX, UINT64_MAX,
					    UINT16_MAX, LIMIT_TIERS };
	uint64_t number = telling[below(ARRAY_LEN(telling))] - below(2);

	if (below(2))
		return (size_t)snprintf((char *)piece, sizeof(piece), "%llu",
					(unsigned long long)number);
	memcpy(piece, &number, sizeof(number));
	return (size_t)1 << below(4);
}

static void mutate(const struct input *files, size_t n_files)
{
	const struct input *other = &files[below(n_files)];
	size_t at = below(buffer_len + 1), drop = below(2) ? some(buffer_len - at) : 0, n = 0;

	switch (below(6)) {
	case 0:
		n = take_byte();
		drop = n < buffer_len - at ? n : buffer_len - at;
		break;
	case 1:
		n = take_number();
		break;
	case 2:
		n = buffer_len ? take_piece(buffer, buffer_len) : 0;
		break;
	case 3:
		n = other->len ? take_piece(other->bytes, other->len) : 0;
		break;
	case 4:
		if (at < buffer_len)
			buffer[at] ^= (uint8_t)(1u << below(8));
		return;
	default:
		drop = some(buffer_len - at);
	}
	replace(at, drop, n);
}

static void blow_up(void)
{
	size_t at = below(buffer_len + 1), n = buffer_len ? take_piece(buffer, buffer_len) : 0;

	if (n > 256)
		n = 256;
	if (n == 0)
		return;
	for (size_t len = n; len < LARGEST; len++)
		piece[len] = piece[len % n];
	replace(at, 0, LARGEST);
}

static void run_mutation(const struct input *files, size_t n_files, size_t number)
{
	const struct input *file = &files[number % n_files];

	buffer_len = file->len < LARGEST ? file->len : LARGEST;
	memcpy(buffer, file->bytes, buffer_len);
	if (number % BLOWN_UP_EVERY == 0)
		blow_up();
	for (size_t n = 1 + below(4); n > 0; n--)
		mutate(files, n_files);
	run(buffer, buffer_len);
}

/* ---- files ---- */

static struct input read_file(const char *path)
{
	struct input input = { NULL, 0 };
	FILE *file = fopen(path, "re");
	size_t n, cap = 0;

	if (!file) {
		perror(path);
		exit(1);
	}
	do {
		cap = cap ? cap * 2 : 65536;
		input.bytes = realloc(input.bytes, cap);
		assert(input.bytes);
		n = fread(input.bytes + input.len, 1, cap - input.len, file);
		input.len += n;
	} while (input.len == cap);
	(void)fclose(file);
	return input;
}

static size_t setting(const char *name, size_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	size_t n_files = (size_t)argc - 1, runs = setting("RUNS", 2000);
	struct input *files = calloc(n_files + 1, sizeof(*files));

	assert(files && n_files > 0);
	seed = setting("SEED", 1);
	(void)snprintf(crash_path, sizeof(crash_path), "%s.crash", argv[0]);
	watch_for_death();
	printf("SEED=%llu ", (unsigned long long)seed);
	(void)fflush(stdout);
	for (size_t i = 0; i < n_files; i++) {
		files[i] = read_file(argv[i + 1]);
		run(files[i].bytes, files[i].len);
	}
	for (size_t i = 0; i < runs; i++)
		run_mutation(files, n_files, i);
	printf("%zu files, %zu mutations, the slowest took %.3f s\n", n_files, runs, slowest_s);
	for (size_t i = 0; i < n_files; i++)
		free(files[i].bytes);
	free(files);
	return 0;
}
