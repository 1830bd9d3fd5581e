/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a change is based on. Between looking and changing another admin may have changed something
 * himself: who says what he has looked at, by its digest, changes that or nothing. */
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "daemon/answers.h"
#include "daemon/policy.h"

void answer_staged_digest(const struct daemon *d, char ret[HASH_TEXT_LEN])
{
	uint64_t digest = policy_digest(d->staged.sources, d->staged.n);

	(void)hash_format(hash_add(digest, &d->wanted->digest, sizeof(d->wanted->digest)), ret);
}

/* *met: nothing is expected, or it is @digest. */
static int compare(const struct control_request *request, const char *digest, bool *met,
		   cJSON **ret)
{
	const char *expected = wire_string(request->json, "expect");

	*met = !cJSON_HasObjectItem(request->json, "expect") ||
	       (expected && strcmp(expected, digest) == 0);
	if (*met || (expected && strlen(expected) == HASH_TEXT_LEN - 1))
		return 0;
	return answer_error(wire_new_error(WIRE_USAGE, "expect is a digest of %u digits",
					   (unsigned int)HASH_TEXT_LEN - 1),
			    ret);
}

int answer_expect_policy(const struct daemon *d, const struct control_request *request, cJSON **ret)
{
	char digest[HASH_TEXT_LEN];
	bool met = false;

	(void)hash_format(d->wanted->digest, digest);
	int r = compare(request, digest, &met, ret);
	if (r < 0 || met || *ret)
		return r;
	return answer_error(
		wire_new_error(WIRE_REFUSED,
			       "the policy in force is %s (from %s), and not %s, which was "
			       "expected: nothing was changed; look again (`netdctl status`)",
			       digest, d->wanted->origin, wire_string(request->json, "expect")),
		ret);
}

int answer_expect_staged(const struct daemon *d, const struct control_request *request, cJSON **ret)
{
	char digest[HASH_TEXT_LEN];
	bool met = false;

	if (!staged_is(d) && cJSON_HasObjectItem(request->json, "expect"))
		return answer_error(wire_new_error(WIRE_REFUSED,
						   "nothing is staged any more: nothing was "
						   "changed"),
				    ret);
	if (!staged_is(d))
		return answer_error(wire_new_error(WIRE_USAGE, "nothing is staged: `netdctl stage "
							       "FILE` does it"),
				    ret);
	answer_staged_digest(d, digest);
	int r = compare(request, digest, &met, ret);
	if (r < 0 || met || *ret)
		return r;
	return answer_error(
		wire_new_error(WIRE_REFUSED,
			       "what is staged, or the policy in force, has changed: it is %s, "
			       "and not %s, which was expected: nothing was changed; look again "
			       "(`netdctl stage`)",
			       digest, wire_string(request->json, "expect")),
		ret);
}
