/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log: structured records to the journal where stderr leads there, lines "level: text" to
 * stderr elsewhere. Nothing waits for whoever reads it: what is not taken at once is lost, counted,
 * and said with the next message that is taken. A message says what, where, and what to do; one
 * sentence, no full stop needed. Control characters in it (container names come from outside) are
 * replaced. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"

/* Every kind of message, with its MESSAGE_ID. Warnings and errors each have an entry in
 * systemd/netd.catalog; tests/unit/test_journal.c compares. An id never changes its meaning. */
#define LOG_IDS(X)                                                   \
	X(STARTED, "0410c50754a94668bd45739667ba2e12")               \
	X(STOPPING, "c1b925e16a8d4a6b99b83ab2d668a5e5")              \
	X(POLICY_LOADED, "c830a0a12afe49438d0daf5200b0db53")         \
	X(POLICY_INVALID, "db8409c3948b48a79dc5c6a6f86e5264")        \
	X(POLICY_UNREADABLE, "2e010873a1c8444889f97bd886f4caab")     \
	X(POLICY_EMPTY, "a901236f049546faaca668e69fb49a9a")          \
	X(POLICY_REFUSED, "d4f3ad0d5a0f4d2c8a5c36c4f7f7be61")        \
	X(FIRST_CONTACT, "6e2f0f7ab6e94b52a4be5dc0c7c1d1f8")         \
	X(COMMITTED, "5fb87c60ae4345f397785aacacb5e807")             \
	X(COMMIT_FAILED, "54fc468b5c504363b82be4cc45b5ae35")         \
	X(DOCKER_CONNECTED, "b87c1f5f2984448bae6c057dc90d5fdd")      \
	X(DOCKER_LOST, "ad2b5961d9db4110b1caaa2d2008e96a")           \
	X(DOCKER_INVALID, "eb00edab13de445cbae796a9cfe62b05")        \
	X(ENDPOINT_CONFLICT, "55f95921c6564fb59040b6e01aff9887")     \
	X(ENDPOINT_QUARANTINED, "f6792b1827454a1ba23302bbfe4bc9b2")  \
	X(REPORTS_READ, "c1f7a3d25e0b4b6f9a8d2e4c7b19f350")          \
	X(REPORT_REFUSED, "5a9e40c2d7134f8fb6e1083c95d2ab76")        \
	X(REPORTS_UNREAD, "7be2f1c04a9d4f0e8c35d1a6907e42b8")        \
	X(ENDPOINT_UNMATCHED, "8809f05252a1484e96baad55c6849037")    \
	X(ENDPOINT_IMPOSTOR, "7323d5ffda01447d9bc6c8f688e3063f")     \
	X(ENDPOINT_NOT_ENFORCED, "9b5c84f7eff342f9a01a0555498a3627") \
	X(BRIDGE, "5d0c1ed0e3fb4e0c9d1b6f3d4bb2a7c4")                \
	X(DENIED, "3047a57a778349cdb7f7be40c3eea2be")                \
	X(AUDIT, "e2deb6a7106344d9b228b50e8988fdcc")                 \
	X(ALLOWED, "f10b8b79bdf0455ab2153cc108e9f2a5")               \
	X(NOT_ALONE, "60694fa8a51f444c9fb146abe045e72b")             \
	X(STAMP_UNAVAILABLE, "3fe0b1b9ac2f4c1ea815cb41036adf57")     \
	X(LOG_INCOMPLETE, "0780683fb192400982e566064c473ff2")        \
	X(LOG_UNAVAILABLE, "bd9e5c64bf5842938eb0ddbac9aa29d7")       \
	X(FLOWS_INCOMPLETE, "0d1227e73acd44a7918fec6b3d679216")      \
	X(LOG_LOST, "a41a81f589f8413bbaba48fa92a07ed7")              \
	X(DRIFT, "3b8256f29b554bd9bc800186110487cb")                 \
	X(SYSCTL_SET, "df51f52ca4fb46ec97e8947175a90dd7")            \
	X(SYSCTL_UNAVAILABLE, "9f5e775a2348414382935cfef82c4b22")    \
	X(CAPABILITY_MISSING, "7794ccc087ae4aeb9d4c381e54f9128b")    \
	X(STATE_UNWRITABLE, "346b8765ae3b41e7899eefa740c6fff8")      \
	X(CONTROL_FAILED, "3acf1350b9b6438ca1ea2db18b3802ac")        \
	X(ADMIN_REQUEST, "76ca82746f6f496a86b362a8e451f25f")         \
	X(CONFIRM_EXPIRED, "6f27092c65fc42da81f8fb4d718d01b0")       \
	X(OFF, "f9d1ac7c3d184ad9bb4fb5ca6ed3b0f1")                   \
	X(ASKER_LOST, "e09ebc8c58ae431ea6d15bbf32f49bcd")            \
	X(STALLED, "22624191e1a6465bbf256f69edaf0b46")               \
	X(DISAGREEMENT, "5d1d3c0be1b24f0f9d5f6f2f0c5c5a3e")          \
	X(RESYNC, "80ccca32a90a40d8837020b2492370cd")                \
	X(READER_REFUSED, "56e84a679249449ab1b3b11e4d0ae2e7")        \
	X(READER_FAILED, "b00edb1d6c3d45b3b962c36314b6770f")         \
	X(EXPORTER_FAILED, "7d0b6f0cf2a24d5a9a3d0c52f0a1e6b4")       \
	X(FLEET_APPLIED, "72ea16ffc8da4d4cabe08be1be454000")         \
	X(FLEET_REFUSED, "4a11306d15d94925a96c6101ca8a713f")         \
	X(FLEET_LOST, "bd20de8278d34dd9859833241d054b17")            \
	X(FLEET_BACK, "fba787f8d669472d9ba0621c6ef23ab5")            \
	X(FLEET_HOSTS, "4fb3d186956d4e4883b8d290403c1956")           \
	X(FLEET_INVENTORY, "ff8e7dab36ae482e938f4902cd6b6870")       \
	X(FLEET_FAILED, "f5abfb9a06504b8e97392a90a9db15a1")          \
	X(INTERNAL, "79bb48305e63411cbbd00a70d177964c")

enum log_id {
#define LOG_ID_ENUM(name, message_id) LOG_ID_##name,
	LOG_IDS(LOG_ID_ENUM)
#undef LOG_ID_ENUM
		LOG_ID_COUNT,
};

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

/* An extra field of the record. Names: NETD_GENERATION, NETD_TIER, NETD_NETWORK, CONTAINER_ID,
 * CONTAINER_NAME, NETD_UID, … (upper case, as journald wants them). */
struct log_field {
	const char *name, *value;
};

/* log_warning_with(LOG_ID_X, LOG_FIELDS({ "CONTAINER_ID", id }, …), "…") */
#define LOG_FIELDS(...) ((const struct log_field[]){ __VA_ARGS__, { NULL, NULL } })

/* @fields: up to LOG_FIELDS_MAX, ended by a NULL name, or NULL. Never fails, never
 * waits; errno is kept. */
#define LOG_FIELDS_MAX 8u
#define LOG_TEXT_MAX 1024u /* longer messages are cut */
void log_message(enum log_id id, enum log_level level, const struct log_field *fields,
		 const char *format, ...) PRINTF_LIKE(4, 5);

#define log_error(id, ...) log_message((id), LOG_LEVEL_ERROR, NULL, __VA_ARGS__)
#define log_warning(id, ...) log_message((id), LOG_LEVEL_WARNING, NULL, __VA_ARGS__)
#define log_info(id, ...) log_message((id), LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_error_with(id, fields, ...) log_message((id), LOG_LEVEL_ERROR, (fields), __VA_ARGS__)
#define log_warning_with(id, fields, ...) \
	log_message((id), LOG_LEVEL_WARNING, (fields), __VA_ARGS__)
#define log_info_with(id, fields, ...) log_message((id), LOG_LEVEL_INFO, (fields), __VA_ARGS__)

/* Messages that nobody took since the program started. */
uint64_t log_lost(void);
