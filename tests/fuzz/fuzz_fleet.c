/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others have written into the store of a fleet: signatures, records, inventories. */
#include <errno.h>

#include "core/base/text.h"
#include "core/fleet/fleet.h"
#include "core/fleet/inventory.h"
#include "core/fleet/signature.h"
#include "core/world/world.h"
#include "edge/pack/pack.h"
#include "tests/fuzz/fuzz.h"

/* What is taken has one form. */
static void check_signature(struct arena *arena, const char *bytes, size_t len)
{
	struct fleet_signature signature;
	int r = fleet_read_signature(bytes, len, arena, &signature);

	assert(r == 0 || r == -EINVAL);
	if (r != 0)
		return;
	char *again = fleet_print_signature(&signature);
	assert(again && strlen(again) == len && memcmp(again, bytes, len) == 0);
	assert(signature.counter > 0);
	free(again);
}

static void check_record(struct arena *arena, const char *bytes, size_t len)
{
	struct fleet_record record;
	cJSON *json = NULL;
	int r = fleet_read_record(bytes, len, arena, &record, &json);

	assert(r == 0 || r == -EINVAL);
	assert((r == 0) == (json != NULL));
	if (r != 0)
		return;
	assert(record.revision >= 0);
	assert(text_is_printable(record.host) && text_is_printable(record.version) &&
	       text_is_printable(record.error));
	assert(fleet_state_name(record.state));
	cJSON_Delete(json);
}

/* As netdctl reads it: the head, what is packed, the world. */
static void check_inventory(struct arena *arena, const char *bytes, size_t len)
{
	struct fleet_inventory inventory;
	const struct world *world = NULL;
	const char *error = NULL;
	char *text = NULL;
	size_t again_len = 0;
	int r = fleet_read_inventory(bytes, len, arena, &inventory);

	assert(r == 0 || r == -EINVAL);
	if (r != 0)
		return;
	assert(inventory.n_groups <= LIMIT_FLEET_GROUPS && inventory.len <= LIMIT_FLEET_INVENTORY);
	for (size_t i = 0; i < inventory.n_groups; i++)
		assert(fleet_is_name(inventory.groups[i]));
	char *again = fleet_print_inventory(&inventory, &again_len);
	assert(again && again_len == len && memcmp(again, bytes, len) == 0);
	free(again);
	r = pack_undo(inventory.packed, inventory.packed_len, inventory.len, &text);
	assert(r == 0 || r == -EINVAL);
	if (r == 0) {
		assert(text[inventory.len] == '\0');
		r = world_parse_inventory(text, inventory.len, arena, &world, &error);
		assert(r == 0 || (r == WORLD_E_INVALID && text_is_printable(error)));
		(void)fleet_inventory_digest(inventory.groups, inventory.n_groups, text,
					     inventory.len);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	/* Readers of texts get them with a NUL behind, as a copy of the store has them. */
	char *bytes = arena_strndup(arena, (const char *)data, size);

	check_signature(arena, bytes, strlen(bytes));
	check_record(arena, (const char *)data, size);
	check_inventory(arena, (const char *)data, size);
	return 0;
}
