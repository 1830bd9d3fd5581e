/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/base/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* getopt's values: '?' and the like are below. */
enum { OPTION_HELP = 256, OPTION_VERSION, OPTION_FIRST };

static void print_row(const struct command_option *option, int width)
{
	int rest = width - (int)strlen(option->name);

	printf("  --%s%s%-*s %s\n", option->name, option->argument ? " " : "",
	       option->argument ? rest - 1 : rest, option->argument ? option->argument : "",
	       option->help);
}

static void print_help(const struct command *command)
{
	static const struct command_option common[] = {
		{ .name = "help", .help = "this text" },
		{ .name = "version", .help = "the version" },
	};
	size_t width = strlen("version");

	for (size_t i = 0; i < command->n; i++) {
		const struct command_option *option = &command->options[i];
		size_t len = strlen(option->name) +
			     (option->argument ? 1 + strlen(option->argument) : 0);
		width = len > width ? len : width;
	}
	printf("Usage: %s [OPTION]...\n%s\n\n", command->program, command->summary);
	for (size_t i = 0; i < command->n; i++)
		print_row(&command->options[i], (int)width);
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		print_row(&common[i], (int)width);
}

static int leave(const struct command *command, int id, int *exit_status)
{
	*exit_status = id == OPTION_HELP || id == OPTION_VERSION ? 0 : 2;
	if (id == OPTION_HELP)
		print_help(command);
	if (id == OPTION_VERSION)
		printf("%s %s\n", command->program, NETD_VERSION);
	return COMMAND_EXIT;
}

int command_parse(const struct command *command, int argc, char **argv, int *exit_status)
{
	struct option known[COMMAND_OPTIONS + 3] = {
		{ "help", no_argument, NULL, OPTION_HELP },
		{ "version", no_argument, NULL, OPTION_VERSION },
	};
	int id;

	for (size_t i = 0; i < command->n; i++)
		known[i + 2] = (struct option){ command->options[i].name,
						command->options[i].argument ? required_argument
									     : no_argument,
						NULL, OPTION_FIRST + (int)i };
	while ((id = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (id < OPTION_FIRST)
			return leave(command, id, exit_status);
		const struct command_option *option = &command->options[id - OPTION_FIRST];
		if (option->text)
			*option->text = optarg;
		else
			*option->flag = true;
	}
	if (optind == argc)
		return 0;
	(void)fprintf(stderr, "%s: unexpected argument `%s`: see %s --help\n", command->program,
		      argv[optind], command->program);
	*exit_status = 2;
	return COMMAND_EXIT;
}
