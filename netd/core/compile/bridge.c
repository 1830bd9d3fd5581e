/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Table bridge netd: identity. Only this family sees which port a frame came from, and every frame,
 * VLAN-tagged ones too. A port of a managed bridge speaks with its own MAC and addresses or not at
 * all, and receives nothing until it is admitted.
 *
 * A port is known by name (this family cannot name the bridge on every kernel), so a port that was
 * plugged in while nobody watched is not in @ports. It may then not speak in a container's name,
 * reaches no known port, and to the inet table it is nobody. */
#include "core/compile/bridge.h"
#include "core/compile/elements.h"

void emit_bridge_table(struct emit *e)
{
	e->family = RS_BRIDGE;
	emit_bridge_sets(e);
	emit_bridge_identity(e);
	emit_bridge_between(e);
	for (size_t i = 0; i < e->in->world->n_ports && !e->err; i++)
		emit_port(e, &e->in->world->ports[i], &e->ports[i]);
	if (!e->err)
		emit_other_ends(e);
}
