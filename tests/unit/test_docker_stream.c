/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure part of the Docker link: agreeing on a version. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "edge/docker/version.h"

struct version_row {
	const char *newest, *oldest;
	int r;
	const char *want;
};

static const struct version_row version_rows[] = {
	{ "1.41", "1.12", 0, "1.41" },		     /* 20.10 */
	{ "1.45", "1.24", 0, "1.45" },		     /* 26 */
	{ "1.52", "1.44", 0, "1.52" },		     /* 29 */
	{ "1.60", "1.44", 0, DOCKER_API_NEWEST },    /* newer than we know */
	{ "1.24", NULL, 0, "1.24" },		     /* the oldest we can use */
	{ "1.23", "", -EPROTONOSUPPORT, NULL },	     /* too old */
	{ "2.5", "1.53", -EPROTONOSUPPORT, NULL },   /* too new */
	{ "2.5", "1.40", 0, DOCKER_API_NEWEST },     /* */
	{ "", NULL, -EINVAL, NULL },		     /* no answer of Docker's */
	{ "1", NULL, -EINVAL, NULL },		     /* */
	{ "1.x", NULL, -EINVAL, NULL },		     /* */
	{ "1.41-rc1", NULL, -EINVAL, NULL },	     /* */
	{ "1.41", "old", -EINVAL, NULL },	     /* */
	{ "1.99999999999999", NULL, -EINVAL, NULL }, /* */
};

static void negotiates(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(version_rows); i++) {
		const struct version_row *row = &version_rows[i];
		char version[DOCKER_API_LEN] = "";
		assert_int_equal(docker_negotiate(row->newest, row->oldest, version), row->r);
		assert_string_equal(version, row->want ? row->want : "");
	}
}

static const struct stranger_row {
	const char *version, *server, *want;
} stranger_rows[] = {
	{ "{}", NULL, NULL }, /* before API 1.35 */
	{ "{\"Components\":[{\"Name\":\"Engine\"},{\"Name\":\"containerd\"}]}", NULL, NULL },
	{ "{\"Components\":[{\"Name\":\"Engine\"}]}", "Docker/28.5.2 (linux)", NULL },
	{ "{\"Components\":[{\"Name\":\"Engine\"}]}", "Libpod/5.4.2 (linux)",
	  "Libpod/5.4.2 (linux)" },
	{ "{\"Components\":[{\"Name\":\"Podman Engine\"},{\"Name\":\"Conmon\"}]}", NULL,
	  "Podman Engine" },
	{ "{\"Components\":[{},{\"Name\":\"balenaEngine\"}]}", "Docker/1", "balenaEngine" },
	{ "{\"Components\":[]}", "", "an engine without a name" },
	{ "{\"Components\":7}", NULL, "an engine without a name" },
};

static void knows_strangers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stranger_rows); i++) {
		const struct stranger_row *row = &stranger_rows[i];
		cJSON *json = cJSON_Parse(row->version);
		const char *name = docker_stranger(json, row->server);
		assert_string_equal(name ? name : "", row->want ? row->want : "");
		cJSON_Delete(json);
	}
	assert_null(docker_stranger(NULL, NULL));
}

static const struct podman_row {
	const char *server, *want;
	int r;
} podman_rows[] = {
	{ "Libpod/5.4.2 (linux)", "5.4.2", 0 },
	{ "Libpod/4.0.0-rc1 (linux)", "4.0.0-rc1", 0 },
	{ "Libpod/6.1.1", "6.1.1", 0 },
	{ "Libpod/3.4.4 (linux)", "3.4.4", -EPROTONOSUPPORT },
	{ "Docker/28.5.2 (linux)", "", -EINVAL },
	{ "Libpod/x", "", -EINVAL },
	{ "Libpod/", "", -EINVAL },
	{ "", "", -EINVAL },
	{ NULL, "", -EINVAL },
};

static void knows_podman(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(podman_rows); i++) {
		char version[16] = "";
		assert_int_equal(
			docker_podman_version(podman_rows[i].server, version, sizeof(version)),
			podman_rows[i].r);
		assert_string_equal(version, podman_rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(negotiates),
		cmocka_unit_test(knows_strangers),
		cmocka_unit_test(knows_podman),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
