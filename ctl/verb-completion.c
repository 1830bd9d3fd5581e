/* SPDX-License-Identifier: GPL-2.0-or-later */
/* completion: shell scripts from the tables of verbs and options. */
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "ctl/ctl.h"

/* What the positional arguments of a verb may be: a row per beginning of wire_verb.args. */
static const struct {
	const char *args, *words; /* words "": files */
} arguments[] = {
	{ "FILE", "" },
	{ "[FILE", "" },
	{ "SRC", "host internet lan dns hosts" },
	{ "SHELL", "bash zsh fish" },
	{ "COMMAND", "status plan apply sign history rollback forget" },
};

static const char *words_of(const struct ctl_verb *verb)
{
	const char *args = wire_verb_find(verb->name)->args;

	for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
		if (text_begins(args, arguments[i].args))
			return arguments[i].words;
	return NULL;
}

static bool is_path(const char *arg)
{
	return strcmp(arg, "FILE") == 0 || strcmp(arg, "OLD") == 0 || strcmp(arg, "DIR") == 0;
}

/* Help texts have quotes of every kind in them. */
static void print_quoted(const char *text, const char *special, const char *before)
{
	for (; *text; text++) {
		if (strchr(special, *text))
			(void)fputs(before, stdout);
		(void)putchar(*text);
	}
}

typedef void option_fn(const struct ctl_verb *verb, const struct ctl_option_row *row);

static void each_option(const struct ctl_verb *verb, option_fn *print)
{
	size_t n;
	const struct ctl_option_row *rows = options_rows(&n);

	for (size_t i = 0; i < n; i++)
		if (verb->usage.options & rows[i].bit)
			print(verb, &rows[i]);
}

static void each_verb(void (*print)(const struct ctl_verb *verb))
{
	size_t n;
	const struct ctl_verb *verbs = ctl_verbs(&n);

	for (size_t i = 0; i < n; i++)
		print(&verbs[i]);
}

/* ---- bash ---- */

static const char bash_head[] =
	"# bash completion of netdctl\n"
	"_netdctl()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal verb='' options='' formats='text json' words='' i\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t--socket | --format) ((i++)) ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) verb=${COMP_WORDS[i]}; break ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tcase $verb in\n";

static const char bash_tail[] =
	"\tesac\n"
	"\tif [[ $prev == --format ]]; then\n"
	"\t\tCOMPREPLY=($(compgen -W \"$formats\" -- \"$cur\"))\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\tCOMPREPLY=($(compgen -W \"$options --format --socket --help\" -- \"$cur\"))\n"
	"\telif [[ $prev != --* || $prev == --yes ]]; then\n"
	"\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	"\tfi\n"
	"}\n"
	"complete -o default -F _netdctl netdctl\n";

static void bash_name(const struct ctl_verb *verb)
{
	printf(" %s", verb->name);
}

static void bash_option(const struct ctl_verb *verb, const struct ctl_option_row *row)
{
	(void)verb;
	printf(" --%s", row->name);
}

static void bash_verb(const struct ctl_verb *verb)
{
	const char *words = words_of(verb);

	printf("\t%s)\n\t\toptions='", verb->name);
	each_option(verb, bash_option);
	printf("'\n\t\tformats='%s'\n\t\twords='%s'\n\t\t;;\n", options_formats(verb),
	       words ? words : "");
}

static void print_bash(void)
{
	(void)fputs(bash_head, stdout);
	printf("\t'')\n\t\toptions='--version'\n\t\twords='");
	each_verb(bash_name);
	printf("'\n\t\t;;\n");
	each_verb(bash_verb);
	(void)fputs(bash_tail, stdout);
}

/* ---- zsh ---- */

static void zsh_description(const struct ctl_verb *verb)
{
	printf("\t\t'%s:", verb->name);
	print_quoted(wire_verb_find(verb->name)->summary, "'", "'\\'");
	printf("'\n");
}

static void zsh_option(const struct ctl_verb *verb, const struct ctl_option_row *row)
{
	(void)verb;
	printf(" \\\n\t\t\t'--%s[", row->name);
	for (const char *c = row->help; *c; c++) {
		if (*c == '\'')
			(void)fputs("'\\'", stdout);
		if (*c == '[' || *c == ']')
			(void)putchar('\\');
		(void)putchar(*c);
	}
	printf("]%s%s%s'", *row->arg ? ":" : "", row->arg,
	       is_path(row->arg) ? ":_files"
	       : *row->arg	 ? ":"
				 : "");
}

static void zsh_verb(const struct ctl_verb *verb)
{
	const char *words = words_of(verb);

	printf("\t%s)\n\t\t_arguments '--help[this verb]' '--format[form]:form:(%s)' \\\n"
	       "\t\t\t'--socket[socket of the daemon]:socket:_files'",
	       verb->name, options_formats(verb));
	each_option(verb, zsh_option);
	if (words && *words)
		printf(" \\\n\t\t\t'*:argument:(%s)'", words);
	else if (words)
		printf(" \\\n\t\t\t'*:file:_files'");
	printf("\n\t\t;;\n");
}

static void print_zsh(void)
{
	printf("#compdef netdctl\n"
	       "local -a verbs\n"
	       "local state line\n"
	       /* Options behind the verb are the verb's. */
	       "_arguments -C -A '-*' '--socket[socket of the daemon]:socket:_files' "
	       "'--format[form]:form:(text json)' \\\n"
	       "\t'--help[help]' '--version[version]' '1:verb:->verb' '*::argument:->argument'\n"
	       "case $state in\n"
	       "verb)\n"
	       "\tverbs=(\n");
	each_verb(zsh_description);
	printf("\t)\n\t_describe verb verbs\n\t;;\nargument)\n\tcase $line[1] in\n");
	each_verb(zsh_verb);
	printf("\tesac\n\t;;\nesac\n");
}

/* ---- fish ---- */

/* fish's own functions take the value of --format for a verb. */
static const char fish_head[] =
	"# fish completion of netdctl\n"
	"function __netdctl_verb_is\n"
	"\tset -l words (commandline -opc)\n"
	"\tset -l value yes\n" /* of the program's name there is none, but it is skipped */
	"\tfor word in $words\n"
	"\t\tif test $value = yes\n"
	"\t\t\tset value no\n"
	"\t\telse if contains -- $word --socket --format\n"
	"\t\t\tset value yes\n"
	"\t\telse if not string match -q -- '-*' $word\n"
	"\t\t\ttest $word = \"$argv[1]\"\n"
	"\t\t\treturn\n"
	"\t\tend\n"
	"\tend\n"
	"\ttest -z \"$argv[1]\"\n"
	"end\n"
	"complete -c netdctl -f\n"
	"complete -c netdctl -l socket -rF -d 'the socket of the daemon'\n"
	"complete -c netdctl -l help -d 'what it does'\n"
	"complete -c netdctl -n '__netdctl_verb_is \"\"' -l version -d 'the version'\n"
	"complete -c netdctl -n '__netdctl_verb_is \"\"' -l format -x -a 'text json'\n";

static void fish_option(const struct ctl_verb *verb, const struct ctl_option_row *row)
{
	printf("complete -c netdctl -n '__netdctl_verb_is %s' -l %s%s -d '", verb->name, row->name,
	       is_path(row->arg) ? " -rF"
	       : *row->arg	 ? " -x"
				 : "");
	print_quoted(row->help, "'\\", "\\");
	printf("'\n");
}

static void fish_verb(const struct ctl_verb *verb)
{
	const char *words = words_of(verb);

	printf("complete -c netdctl -n '__netdctl_verb_is \"\"' -a %s -d '", verb->name);
	print_quoted(wire_verb_find(verb->name)->summary, "'\\", "\\");
	printf("'\ncomplete -c netdctl -n '__netdctl_verb_is %s' -l format -x -a '%s'\n",
	       verb->name, options_formats(verb));
	each_option(verb, fish_option);
	if (words)
		printf("complete -c netdctl -n '__netdctl_verb_is %s' %s%s%s\n", verb->name,
		       *words ? "-a '" : "-F", words, *words ? "'" : "");
}

static void print_fish(void)
{
	(void)fputs(fish_head, stdout);
	each_verb(fish_verb);
}

static const struct {
	const char *name;
	void (*print)(void);
} shells[] = { { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish } };

int verb_completion(struct ctl *ctl, const struct ctl_args *args)
{
	(void)ctl;
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (strcmp(shells[i].name, args->files[0]) == 0) {
			shells[i].print();
			return CTL_OK;
		}
	ctl_complain("there is no completion for the shell `%s`: choose bash, zsh or fish",
		     args->files[0]);
	return CTL_USAGE;
}
