/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/images/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "edge/base/fd.h"
#include "edge/base/folder.h"
#include "edge/images/crypto.h"

#define BLOCK (64u * 1024u)

struct folder_reading {
	struct arena *arena;   /* of what stays */
	struct arena *scratch; /* of one file */
	const char *path;      /* of the folder that is read now */
	int dir;
	size_t left; /* bytes that may still be read */
	size_t n_digests;
	struct crypto_keys keys;
	struct folder_names files;
	VEC(struct images_report) reports;
	VEC(struct images_signature) signatures;
	VEC(struct images_refused) refused;
	size_t n_unsaid; /* refused, too, but not in the list */
	VEC(const char *) key_names;
};

/* What is said of folders: something of each of the two, and how many files are not in the list. */
#define OF_FOLDERS 3u

/* A file may have any name, which is shown, and handed on as JSON. 0 or -ENOMEM. */
static int add_refused(struct folder_reading *r, const char *file, const char *why)
{
	char *clean = arena_strdup(r->arena, file);
	if (!clean)
		return -ENOMEM;
	text_clean(clean);
	return VEC_PUSH(r->arena, &r->refused, (struct images_refused){ clean, why });
}

static int refuse(struct folder_reading *r, const char *file, const char *why)
{
	if (r->refused.n < LIMIT_IMAGE_REFUSED - OF_FOLDERS)
		return add_refused(r, file, why);
	r->n_unsaid++;
	return 0;
}

/* ---- folders ---- */

/* What is read in one of them. */
struct folder_kind {
	const char *suffixes[3];
	mode_t writable; /* by whom it may not be */
	const char *why; /* not */
	size_t most;	 /* files */
	int (*read)(struct folder_reading *r, const char *name);
};

static int is_wanted(void *userdata, const char *name)
{
	const struct folder_kind *kind = userdata;
	bool is_one = false;

	for (size_t i = 0; i < ARRAY_LEN(kind->suffixes) && kind->suffixes[i]; i++)
		is_one |= folder_name_ends_in(name, kind->suffixes[i]);
	return is_one;
}

/* 0; 1: there is no such folder, or it counts for nothing; -errno. */
static int open_folder(struct folder_reading *r, const struct folder_kind *kind)
{
	struct stat st;

	r->dir = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir < 0)
		return errno == ENOENT ? 1 : -errno;
	if (fstat(r->dir, &st) < 0)
		return -errno;
	if (!(st.st_mode & kind->writable))
		return 0;
	int added = add_refused(r, r->path, kind->why);
	return added < 0 ? added : 1;
}

static int list_files(struct folder_reading *r, struct folder_kind *kind)
{
	const struct folder_want want = { is_wanted, kind, LIMIT_IMAGE_NAMES };
	int listed = folder_list(r->dir, &want, r->arena, &r->files);

	if (listed != FOLDER_E_MANY)
		return listed;
	int added = add_refused(r, r->path,
				"it has more files than netd looks at: is it the right one?");
	return added < 0 ? added : 1;
}

/* 0 or -errno, of the folder itself. */
static int read_folder(struct folder_reading *r, const char *path, struct folder_kind kind)
{
	r->path = path;
	int read = open_folder(r, &kind);
	if (read == 0)
		read = list_files(r, &kind);
	for (size_t i = 0; i < r->files.names.n && read == 0; i++) {
		const char *name = r->files.names.items[i];
		if (i == kind.most) {
			read = add_refused(r, name, "it and what follows are files too many");
			break;
		}
		read = text_is_printable(name)
			       ? kind.read(r, name)
			       : refuse(r, name,
					"its name has control characters, or is not UTF-8");
		arena_clear(r->scratch);
	}
	fd_close(&r->dir);
	r->dir = -1;
	return read == 1 ? 0 : read;
}

/* ---- files ---- */

struct opened {
	int fd;
	struct stat st;
};

/* NULL: it may be read, and ret->fd is open; else why not. */
static const char *open_file(struct folder_reading *r, const char *name, size_t limit,
			     struct opened *ret)
{
	ret->fd = openat(r->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (ret->fd < 0)
		return errno == ELOOP ? "it is a symbolic link" : strerror(errno);
	if (fstat(ret->fd, &ret->st) < 0)
		return strerror(errno);
	if (!S_ISREG(ret->st.st_mode))
		return "it is no regular file";
	if (ret->st.st_mode & (S_IWGRP | S_IWOTH))
		return "others than its owner may write it";
	if (ret->st.st_size > (off_t)limit)
		return "it is too large";
	if (ret->st.st_size > (off_t)r->left)
		return "the files before it are too large together";
	r->left -= (size_t)ret->st.st_size;
	return NULL;
}

static void close_file(const struct opened *file)
{
	fd_close(&file->fd);
}

/* What was read may be a part of the old and a part of the new. It is read again when whoever
 * writes it has closed it. */
static const char *why_changed(const struct opened *file, size_t n)
{
	struct stat now;

	if (fstat(file->fd, &now) < 0)
		return strerror(errno);
	return n != (size_t)file->st.st_size || now.st_size != file->st.st_size ||
			       now.st_mtim.tv_sec != file->st.st_mtim.tv_sec ||
			       now.st_mtim.tv_nsec != file->st.st_mtim.tv_nsec
		       ? "it changes while it is read"
		       : NULL;
}

/* All of a small file. *why: it cannot be read. 0 or -ENOMEM. */
static int read_small(struct folder_reading *r, const char *name, struct text *ret,
		      const char **why)
{
	CLEANUP(close_file) struct opened file = { .fd = -1 };
	char *block = arena_alloc(r->scratch, LIMIT_IMAGE_PAYLOAD + 1);

	if (!block)
		return -ENOMEM;
	*why = open_file(r, name, LIMIT_IMAGE_PAYLOAD, &file);
	if (*why)
		return 0;
	ssize_t n = fd_read(file.fd, block, LIMIT_IMAGE_PAYLOAD + 1);
	*why = n < 0 ? strerror((int)-n) : why_changed(&file, (size_t)n);
	if (!*why)
		text_add_n(ret, block, (size_t)n);
	return text_failed(ret) ? -ENOMEM : 0;
}

/* As above. */
static int feed_all(const struct opened *file, struct images_reader *reader, const char **why)
{
	CLEANUP(free_ptr) char *block = malloc(BLOCK);
	ssize_t n = 1;
	size_t all = 0;
	int fed = block ? 0 : -ENOMEM;

	while (fed == 0 && n > 0 && all <= LIMIT_IMAGE_FILE) {
		n = fd_read(file->fd, block, BLOCK);
		if (n < 0) {
			*why = strerror((int)-n);
			return 0;
		}
		all += (size_t)n;
		fed = images_reader_feed(reader, block, (size_t)n);
	}
	*why = why_changed(file, all);
	return fed;
}

/* ---- what stands in them ---- */

/* 1: there is no room for it. */
static int take_claim(struct folder_reading *r, const char *file, const struct images_claim *claim)
{
	struct images_signature signature = { .file = file, .digest = claim->digest };

	if (r->signatures.n == LIMIT_IMAGE_ALL_SIGNATURES) {
		int added = refuse(r, file, "there are more signatures than netd verifies");
		return added < 0 ? added : 1;
	}
	for (size_t i = 0; i < r->keys.n; i++) {
		int verifies = crypto_verify(&r->keys, i, claim);
		if (verifies < 0)
			return verifies;
		signature.keys |= (uint32_t)verifies << i;
	}
	return VEC_PUSH(r->arena, &r->signatures, signature);
}

static int take_report(struct folder_reading *r, const char *name, struct images_report report)
{
	if (report.n_digests > LIMIT_IMAGE_ALL_DIGESTS - r->n_digests)
		return refuse(r, name, "the reports before it name more digests than netd keeps");
	r->n_digests += report.n_digests;
	report.file = name;
	report.digests =
		arena_dup(r->arena, report.digests, report.n_digests * sizeof(*report.digests));
	return report.digests ? VEC_PUSH(r->arena, &r->reports, report) : -ENOMEM;
}

static int take_file(struct folder_reading *r, const char *name, int read, struct images_file *file)
{
	if (read == IMAGES_E_REFUSED)
		return refuse(r, name, file->why);
	if (read < 0)
		return read;
	if (file->is_report)
		return take_report(r, name, file->report);
	for (size_t i = 0; i < file->claims.n && read == 0; i++)
		read = take_claim(r, name, &file->claims.items[i]);
	return read == 1 ? 0 : read;
}

static int read_json(struct folder_reading *r, const char *name)
{
	CLEANUP(close_file) struct opened opened = { .fd = -1 };
	CLEANUP(images_reader_freep) struct images_reader *reader = NULL;
	struct images_file file;
	const char *why = open_file(r, name, LIMIT_IMAGE_FILE, &opened);

	if (why)
		return refuse(r, name, why);
	reader = images_reader_new();
	int fed = reader ? feed_all(&opened, reader, &why) : -ENOMEM;
	if (fed < 0)
		return fed;
	if (why)
		return refuse(r, name, why);
	return take_file(r, name, images_reader_end(reader, r->scratch, &file), &file);
}

static int read_pair(struct folder_reading *r, const char *name)
{
	CLEANUP(text_done) struct text payload = { 0 }, signature = { 0 };
	size_t stem = strlen(name) - strlen(".payload");
	const char *beside = arena_printf(r->scratch, "%.*s.sig", (int)stem, name), *why = NULL;
	struct images_file file;

	if (!beside)
		return -ENOMEM;
	int read = read_small(r, name, &payload, &why);
	if (read == 0 && !why) {
		read = read_small(r, beside, &signature, &why);
		why = why ? "its signature, NAME.sig beside it, cannot be read" : NULL;
	}
	if (read < 0)
		return read;
	if (why)
		return refuse(r, name, why);
	const struct images_claim bytes = { .signed_bytes = text_str(&payload),
					    .n_signed = payload.len,
					    .signature = text_str(&signature),
					    .n_signature = signature.len };
	read = images_read_pair(&bytes, r->scratch, &file);
	return take_file(r, name, read, &file);
}

static int read_key(struct folder_reading *r, const char *name)
{
	CLEANUP(text_done) struct text pem = { 0 };
	const char *why = NULL;
	int read = read_small(r, name, &pem, &why);

	if (read == 0 && !why)
		why = crypto_add_key(&r->keys, text_str(&pem), pem.len);
	if (read < 0)
		return read;
	return why ? refuse(r, name, why) : VEC_PUSH(r->arena, &r->key_names, name);
}

static int read_report(struct folder_reading *r, const char *name)
{
	return folder_name_ends_in(name, ".payload") ? read_pair(r, name) : read_json(r, name);
}

static const struct folder_kind of_keys = {
	.suffixes = { ".pem", ".pub" },
	.writable = S_IWGRP | S_IWOTH,
	.why = "others than its owner may write to the folder of keys",
	.most = LIMIT_IMAGE_FILES,
	.read = read_key,
};
static const struct folder_kind of_reports = {
	.suffixes = { ".json", ".jsonl", ".payload" },
	.writable = S_IWOTH,
	.why = "everybody may write to the folder",
	.most = LIMIT_IMAGE_FILES,
	.read = read_report,
};

static int count_unsaid(struct folder_reading *r, const char *folder)
{
	const char *why =
		arena_printf(r->arena, "so many other files in it do so, too: %zu", r->n_unsaid);

	if (r->n_unsaid == 0)
		return 0;
	return why ? add_refused(r, folder, why) : -ENOMEM;
}

static int read_all(struct folder_reading *r, const char *folder, const char *keys)
{
	int read = keys ? read_folder(r, keys, of_keys) : 0;

	if (read == 0)
		read = read_folder(r, folder, of_reports);
	return read == 0 ? count_unsaid(r, folder) : read;
}

int images_folder_read(const char *folder, const char *keys, struct images **ret)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	struct images *images = arena ? arena_alloc(arena, sizeof(*images)) : NULL;
	struct folder_reading r = {
		.arena = arena, .scratch = scratch, .dir = -1, .left = LIMIT_IMAGE_FOLDER
	};

	if (!images || !scratch)
		return -ENOMEM;
	int read = read_all(&r, folder, keys);
	crypto_done(&r.keys);
	if (read < 0)
		return read;
	*images = (struct images){ .arena = arena,
				   .reports = r.reports.items,
				   .n_reports = r.reports.n,
				   .signatures = r.signatures.items,
				   .n_signatures = r.signatures.n,
				   .refused = r.refused.items,
				   .n_refused = r.refused.n,
				   .keys = r.key_names.items,
				   .n_keys = r.key_names.n };
	read = images_index(images);
	if (read < 0)
		return read;
	(void)TAKE_PTR(arena);
	*ret = images;
	return 0;
}
