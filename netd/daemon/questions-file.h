/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a child that was asked hands on what it has made: the file that is sent to whoever asked, or
 * a note for the answer that the loop makes; and behind it, what is for netd alone. Private to the
 * daemon. */
#pragma once

#include <cjson/cJSON.h>

#include "core/base/cleanup.h"
#include "edge/beside/beside.h"

/* What the child ends with. QUESTIONS_ASIDE_TOO is added to one of the others: what is for netd
 * follows in the file, and after it stands its length. */
enum { QUESTIONS_ANSWER, QUESTIONS_FINDING, QUESTIONS_NOTE, QUESTIONS_ASIDE_TOO };

#define QUESTIONS_ASIDE "aside"

/* In the child: puts what is for netd alone into what is made, *ret, which may be NULL. Takes
 * @aside. 0 or -ENOMEM. */
int questions_put_aside(cJSON *aside, cJSON **ret) MUST_CHECK;
/* One of the above, or -errno. Takes @answer. */
int questions_write(int fd, cJSON *answer) MUST_CHECK;

/* In the loop: takes what is for netd alone out of the file and the code; NULL where there is
 * nothing. 0 or -errno. */
int questions_read_aside(struct beside_result *result, cJSON **ret) MUST_CHECK;
/* What the child had to say beside its check; NULL: it cannot be read. */
cJSON *questions_read_note(const struct beside_result *result) MUST_CHECK;
