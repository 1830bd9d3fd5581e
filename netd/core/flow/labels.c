/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/flow/labels.h"

#include <string.h>

#include "core/compile/compile.h"

bool flow_label_is_role(const char *key)
{
	const char *dot = strrchr(key, '.'), *word = dot ? dot + 1 : key;

	return strcmp(word, "tier") == 0 || strcmp(word, "role") == 0;
}

bool flow_label_tells(const char *key)
{
	static const char *const keys[] = { COMPILE_LABEL_PROJECT, COMPILE_LABEL_SERVICE,
					    FLOW_LABEL_STACK, FLOW_LABEL_SWARM_SERVICE };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return flow_label_is_role(key);
}

bool flow_labels_add(char labels[FLOW_LABELS_LEN], const char *key, const char *value)
{
	size_t len = strlen(labels), key_len = strlen(key), value_len = strlen(value);

	if (strpbrk(key, "=\n") || strchr(value, '\n') ||
	    key_len + value_len + 2 > LIMIT_FLOW_LABELS - len)
		return false;
	memcpy(labels + len, key, key_len);
	labels[len + key_len] = '=';
	memcpy(labels + len + key_len + 1, value, value_len);
	memcpy(labels + len + key_len + 1 + value_len, "\n", sizeof("\n"));
	return true;
}

const char *flow_labels_pack(const struct world_container *container, char ret[FLOW_LABELS_LEN],
			     bool *untold)
{
	*untold = container->kind == WORLD_CONTAINER && !container->known;
	ret[0] = '\0';
	for (size_t i = 0; i < container->n_labels; i++) {
		const struct world_label *label = &container->labels[i];
		if (!label->value || !flow_label_tells(label->key))
			continue;
		*untold |= label->origin == WORLD_UNTOLD;
		if (label->origin == WORLD_OWN)
			(void)flow_labels_add(ret, label->key, label->value);
	}
	return ret;
}

bool flow_labels_next(const char **at, struct flow_label *ret)
{
	const char *end = strchr(*at, '\n');
	const char *equals = end ? memchr(*at, '=', (size_t)(end - *at)) : NULL;

	if (!equals)
		return false;
	*ret = (struct flow_label){ *at, equals + 1, (size_t)(equals - *at),
				    (size_t)(end - equals - 1) };
	*at = end + 1;
	return true;
}
