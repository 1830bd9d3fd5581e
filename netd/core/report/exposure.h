/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to core/report: each published port of a container, and which zones outside reach it.
 * `plan`, `ports` and the finding `exposed-port` are made of it. Ports are those of the container;
 * beside them stands the address and port of the host that lead there. */
#pragma once

#include "core/report/survey.h"

/* Neighbouring ports that a container publishes at neighbouring ports of one host address, and that
 * no rule tells apart: what is said of the first holds for all. Mostly one port alone. */
struct exposure {
	const struct world_container *container;
	const struct world_published *published; /* the first */
	uint16_t n_ports;
	uint32_t endpoint; /* that answers for them */
};

typedef int exposure_fn(const struct survey *survey, const struct exposure *exposure,
			void *userdata);

/* Every published port of a container on a managed network; ends at the first negative answer. */
int exposure_walk(const struct survey *survey, exposure_fn *each, void *userdata) MUST_CHECK;
/* The container's ports. */
struct port_range exposure_ports(const struct exposure *exposure);
/* Those outside who may be asked about: the zones, the fleet's hosts where a rule names them, and
 * the prefixes that rules to its tier name. */
size_t exposure_sources(const struct survey *survey, const struct exposure *exposure);
struct survey_end exposure_source(const struct survey *survey, const struct exposure *exposure,
				  size_t source);
/* Names of sources, in their order, as an array; of the fleet's hosts those that are noted are one
 * name, which is told when all are known: before the next source, and by exposure_note_hosts(). */
struct exposure_who {
	struct rj *j;
	cJSON *list;
	struct arena *scratch;
	survey_selection hosts;
};
/* 0 or -ENOMEM. */
int exposure_note_source(const struct survey *survey, const struct exposure *exposure,
			 size_t source, struct exposure_who *who) MUST_CHECK;
int exposure_note_hosts(const struct survey *survey, const struct exposure *exposure,
			struct exposure_who *who) MUST_CHECK;
/* 1: that source reaches it under that input, 0: not; -ENOMEM. */
int exposure_ask(const struct survey *survey, size_t input, const struct exposure *exposure,
		 size_t source, struct arena *scratch) MUST_CHECK;
/* The same as for the zone that a prefix lies in, under all inputs: not worth a word. 1, 0,
 * -ENOMEM. */
int exposure_is_implied(const struct survey *survey, const struct exposure *exposure, size_t source,
			struct arena *scratch) MUST_CHECK;
/* Docker opens it at the container's own address, and not at the host's. */
bool exposure_is_direct(const struct report_input *in, const struct exposure *exposure);
/* With the address and port that lead there. */
void exposure_print(struct rj *j, cJSON *object, const struct report_input *in,
		    const struct exposure *exposure);

#define EXPOSURE_INTERNET 0 /* the source that is always the first */
