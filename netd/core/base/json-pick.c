/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/json-pick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As written; the names asked for are shorter, even with each letter as an escape. */
#define KEY_MAX 4096u

enum pick_state {
	AT_VALUE,  /* a value comes, or the end of the list */
	AT_KEY,	   /* a key comes, or the end of the object */
	AT_COLON,  /* behind a key */
	BEHIND,	   /* behind a value */
	IN_KEY,	   /* inside of a key */
	IN_STRING, /* of a value */
	IN_SCALAR, /* a number, true, false, null */
	BROKEN,	   /* no JSON */
};

/* An object or list of which something is taken. */
struct frame {
	const struct json_want *of; /* NULL: all of it */
	bool is_list, is_named, is_assigned, has_members;
	size_t mark; /* where the member under way begins in the element */
};

struct json_pick {
	const struct json_want *wants;
	struct json_names *names;
	size_t element_max;
	struct text element;
	struct text cut_key; /* of a key that comes in several pieces, what came before */
	const char *key;     /* as it is written */
	size_t key_len;
	struct frame frames[JSON_PICK_DEPTH + 1]; /* the first is the outside */
	size_t n_frames;
	enum pick_state state;
	bool is_lines;
	bool is_list, is_begun; /* the whole is a list; it has begun */
	size_t n_elements;
	bool is_muted;		      /* the element is too long */
	bool is_escaped;	      /* the next letter of a string stands for itself */
	const struct json_want *next; /* what is taken of the next value, NULL: nothing */
	bool is_taken;		      /* the value under way is */
	size_t string_at;	      /* where it begins in the element */
	bool is_behind_name;	      /* of "NAME=value" the = was there */
	size_t n_skipped;	      /* brackets open in a value that is not taken */
	/* Of the object of names under way. */
	bool is_asked, is_cut;
	size_t n_used;
	bool *seen;
};

/* ---- output ---- */

static void put(struct json_pick *p, const char *bytes, size_t n)
{
	if (!p->is_muted)
		text_add_n(&p->element, bytes, n);
}

static void put_text(struct json_pick *p, const char *text)
{
	put(p, text, strlen(text));
}

static void roll_back(struct json_pick *p, size_t len)
{
	if (p->element.bytes && len < p->element.len) {
		p->element.len = len;
		p->element.bytes[len] = '\0';
	}
}

static struct frame *top(struct json_pick *p)
{
	return &p->frames[p->n_frames];
}

static bool is_outside(const struct json_pick *p)
{
	return p->n_frames == 0;
}

/* A name as JSON writes it: those of a policy have no control characters but maybe quotes. */
static void put_name(struct json_pick *p, const char *name)
{
	put_text(p, "\"");
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			put_text(p, "\\");
		put(p, name, 1);
	}
	put_text(p, "\"");
}

/* Says what was left out, and what is asked for and not there. */
static void put_absent(struct json_pick *p, const struct frame *frame)
{
	put_text(p, frame->has_members ? ",\"\":null" : "\"\":null");
	for (size_t i = 0; i < p->names->n; i++) {
		if (p->seen[i])
			continue;
		put_text(p, ",");
		put_name(p, p->names->names[i]);
		put_text(p, ":null");
	}
}

static void hand_on(struct json_pick *p, struct text *out)
{
	if (p->is_list)
		text_add(out, p->n_elements++ > 0 ? "," : "[");
	if (p->is_muted) {
		text_add(out, "null");
	} else if (out->len == 0) { /* it can be the whole of a long answer: not copied */
		struct text whole = p->element;
		p->element = *out;
		*out = whole;
	} else {
		text_add(out, text_str(&p->element));
	}
	if (!p->is_list)
		text_add(out, "\n");
	roll_back(p, 0);
	p->is_muted = false;
	p->next = p->wants;
}

/* How many bytes of a string are here, with the quote that ends it if *ret_ends. */
static size_t find_end(struct json_pick *p, const char *at, size_t left, bool *ret_ends)
{
	const char *quote = memchr(at, '"', left);
	size_t n = quote ? (size_t)(quote - at) + 1 : left;

	*ret_ends = quote != NULL;
	if (!p->is_escaped && !memchr(at, '\\', n)) /* most */
		return n;
	*ret_ends = false;
	for (n = 0; n < left && !*ret_ends; n++) {
		*ret_ends = at[n] == '"' && !p->is_escaped;
		p->is_escaped = at[n] == '\\' && !p->is_escaped;
	}
	return n;
}

/* ---- keys ---- */

static const struct json_want everything[] = { { .key = NULL } };

static const struct json_want *find_want(const struct json_pick *p, const struct json_want *of)
{
	for (; of->key; of++)
		if (strcmp(of->key, "*") == 0 || json_key_is(p->key, p->key_len, of->key))
			return of;
	return NULL;
}

/* What is taken of the value behind this key of an object of names. */
static const struct json_want *name_want(struct json_pick *p)
{
	p->is_asked = false;
	for (size_t i = 0; i < p->names->n; i++)
		if (json_key_is(p->key, p->key_len, p->names->names[i]))
			p->is_asked = p->seen[i] = true;
	if (p->is_asked || p->n_used + p->key_len < p->names->budget)
		return everything;
	p->is_cut = true;
	return NULL;
}

static void end_key(struct json_pick *p)
{
	struct frame *frame = top(p);
	bool is_short = p->key_len < KEY_MAX;

	if (frame->is_named && !is_short)
		p->is_cut = true;
	if (!is_short)
		p->next = NULL;
	else if (frame->is_named)
		p->next = name_want(p);
	else
		p->next = frame->of ? find_want(p, frame->of) : everything;
	p->state = AT_COLON;
	if (!p->next)
		return;
	frame->mark = p->element.len;
	put_text(p, frame->has_members ? ",\"" : "\"");
	put(p, p->key, p->key_len);
	put_text(p, "\":");
}

/* ---- values ---- */

static void end_value(struct json_pick *p, struct text *out)
{
	struct frame *frame = top(p);

	p->state = BEHIND;
	p->is_muted |= p->element.len > p->element_max;
	if (is_outside(p)) {
		hand_on(p, out);
		p->state = p->is_list ? BEHIND : AT_VALUE;
		return;
	}
	if (p->is_taken && frame->is_named && !p->is_asked)
		p->n_used += p->element.len - frame->mark;
	frame->has_members |= p->is_taken;
}

/* A text that is too long: of a member that nobody asked for, all of it goes. */
static void give_up_string(struct json_pick *p)
{
	struct frame *frame = top(p);

	p->is_taken = false;
	if (frame->is_named && !p->is_asked) {
		roll_back(p, frame->mark);
		p->is_cut = true;
		return;
	}
	roll_back(p, p->string_at);
	put_text(p, "false");
	frame->has_members = true;
}

static bool is_over_budget(struct json_pick *p)
{
	const struct frame *frame = top(p);

	return frame->is_named && !p->is_asked &&
	       p->n_used + p->element.len - frame->mark > p->names->budget;
}

/* Letters of "NAME=value" up to the =; the rest of it goes no further. */
static void put_assigned(struct json_pick *p, const char *at, size_t n, bool ends)
{
	const char *sign = p->is_behind_name ? at : memchr(at, '=', n);
	size_t name = sign ? (size_t)(sign - at) : n;

	put(p, at, name);
	p->is_behind_name |= sign != NULL;
	if (sign && ends)
		put_text(p, "\"");
}

/* Letters of a string, from @at on; how many were used. */
static size_t take_string(struct json_pick *p, const char *at, size_t left, struct text *out)
{
	bool ends = false;
	size_t n = find_end(p, at, left, &ends);

	size_t room = JSON_PICK_STRING + 1 - (p->element.len - p->string_at);
	if (p->is_taken && top(p)->is_assigned)
		put_assigned(p, at, n < room ? n : room, ends);
	else if (p->is_taken)
		put(p, at, n < room ? n : room);
	if (p->is_taken && (p->element.len - p->string_at > JSON_PICK_STRING || is_over_budget(p)))
		give_up_string(p);
	if (ends && p->n_skipped > 0)
		p->state = BEHIND; /* skip() goes on */
	else if (ends)
		end_value(p, out);
	return n;
}

static size_t take_key(struct json_pick *p, const char *at, size_t left)
{
	bool ends = false;
	size_t n = find_end(p, at, left, &ends);
	size_t keep = ends ? n - 1 : n, room = KEY_MAX - p->cut_key.len;
	bool is_whole = ends && p->cut_key.len == 0; /* mostly */

	if (!is_whole)
		text_add_n(&p->cut_key, at, keep < room ? keep : room);
	p->key = is_whole ? at : text_str(&p->cut_key);
	p->key_len = is_whole ? keep : p->cut_key.len;
	if (ends)
		end_key(p);
	return n;
}

static void begin_frame(struct json_pick *p, bool is_list)
{
	const struct frame *around = top(p);
	const struct json_want *want = p->next;
	struct frame frame = { .is_list = is_list };

	/* A table outside and inside of lists; a row behind a key. */
	if (is_outside(p) || around->is_list)
		frame.of = is_outside(p) ? p->wants : around->of;
	else if (want != everything)
		frame.of = want->of;
	frame.is_named = !is_list && !is_outside(p) && !around->is_list && want != everything &&
			 want->is_named && p->names;
	frame.is_assigned = is_list && want && want != everything && want->is_assigned;
	if (frame.is_named) {
		memset(p->seen, 0, p->names->n * sizeof(*p->seen));
		p->n_used = 0;
		p->is_cut = false;
	}
	p->frames[++p->n_frames] = frame;
}

static void begin_container(struct json_pick *p, char c)
{
	bool is_list = c == '[';

	if (!p->is_begun && is_list && !p->is_lines) {
		p->is_begun = p->is_list = true;
		p->next = p->wants;
		return;
	}
	p->is_begun = true;
	if (!p->is_taken) {
		p->n_skipped = 1;
		return;
	}
	if (p->n_frames == JSON_PICK_DEPTH) {
		put_text(p, "null");
		top(p)->has_members = true;
		p->is_taken = false;
		p->n_skipped = 1;
		return;
	}
	put(p, &c, 1);
	begin_frame(p, is_list);
	p->state = is_list ? AT_VALUE : AT_KEY;
}

static void begin_value(struct json_pick *p, char c)
{
	struct frame *frame = top(p);

	p->is_taken = p->next != NULL;
	if (!is_outside(p) && frame->is_list) {
		frame->mark = p->element.len;
		if (frame->has_members)
			put_text(p, ",");
		p->is_taken = true;
	}
	p->string_at = p->element.len;
	p->is_behind_name = false;
	if (c == '{' || c == '[') {
		begin_container(p, c);
		return;
	}
	p->is_begun = true;
	if (p->is_taken)
		put(p, &c, 1);
	p->state = c == '"' ? IN_STRING : IN_SCALAR;
}

static void end_frame(struct json_pick *p, char c, struct text *out)
{
	const struct frame *frame = top(p);

	if (is_outside(p) && p->is_list && c == ']') {
		text_add(out, p->n_elements ? "]\n" : "[]\n");
		p->state = BROKEN; /* nothing follows */
		return;
	}
	if (is_outside(p) || (c == ']') != frame->is_list) {
		p->state = BROKEN;
		return;
	}
	if (frame->is_named && p->is_cut)
		put_absent(p, frame);
	put(p, &c, 1);
	p->n_frames--;
	p->is_taken = true;
	p->is_asked = true;
	end_value(p, out);
}

/* Inside of a value that is not taken only strings and brackets count. */
static void skip(struct json_pick *p, char c, struct text *out)
{
	if (c == '"')
		p->state = IN_STRING;
	else if (c == '{' || c == '[')
		p->n_skipped++;
	else if ((c == '}' || c == ']') && --p->n_skipped == 0)
		end_value(p, out);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void take_structure(struct json_pick *p, char c, struct text *out)
{
	bool closes = c == '}' || c == ']';

	if (p->state == AT_VALUE && !closes && c != ',' && c != ':')
		begin_value(p, c);
	else if ((p->state == AT_VALUE && c == ']') || (p->state == AT_KEY && c == '}') ||
		 (p->state == BEHIND && closes))
		end_frame(p, c, out);
	else if (p->state == AT_KEY && c == '"') {
		p->cut_key.len = 0;
		p->state = IN_KEY;
	} else if (p->state == AT_COLON && c == ':')
		p->state = AT_VALUE;
	else if (p->state == BEHIND && c == ',') {
		p->state = is_outside(p) || top(p)->is_list ? AT_VALUE : AT_KEY;
		if (is_outside(p))
			p->next = p->wants;
	} else
		p->state = BROKEN;
}

/* The next line begins anew. */
static void end_broken_line(struct json_pick *p, struct text *out)
{
	p->n_frames = p->n_skipped = 0;
	p->is_muted = true;
	p->is_escaped = p->is_begun = p->is_list = false;
	hand_on(p, out);
	p->state = AT_VALUE;
}

static size_t take_other(struct json_pick *p, const char *at, struct text *out)
{
	char c = *at;
	bool is_inside = !is_outside(p) || p->n_skipped > 0 || p->state == BROKEN;

	if (c == '\n' && p->is_lines && is_inside) {
		end_broken_line(p, out);
	} else if (p->state == BROKEN) {
		return 1;
	} else if (p->state == IN_SCALAR) {
		if (is_blank(c) || strchr(",]}:{[\"", c)) {
			end_value(p, out);
			return 0;
		}
		p->is_muted |= p->element.len - p->string_at > JSON_PICK_STRING;
		if (p->is_taken)
			put(p, &c, 1);
	} else if (p->n_skipped > 0) {
		skip(p, c, out);
	} else if (!is_blank(c)) {
		take_structure(p, c, out);
	}
	return 1;
}

bool json_pick_is_whole(const struct json_pick *p)
{
	return is_outside(p) && p->n_skipped == 0 &&
	       (p->state == AT_VALUE || (p->is_list && p->state == BROKEN));
}

/* ---- life ---- */

int json_pick_feed(struct json_pick *p, const char *bytes, size_t n, struct text *out)
{
	for (size_t at = 0; at < n;) {
		if (p->state == IN_KEY)
			at += take_key(p, bytes + at, n - at);
		else if (p->state == IN_STRING)
			at += take_string(p, bytes + at, n - at, out);
		else
			at += take_other(p, bytes + at, out);
	}
	return text_failed(&p->element) || text_failed(&p->cut_key) || text_failed(out) ? -ENOMEM
											: 0;
}

struct json_pick *json_pick_free(struct json_pick *pick)
{
	if (!pick)
		return NULL;
	text_done(&pick->element);
	text_done(&pick->cut_key);
	(void)json_names_unref(pick->names);
	free(pick->seen);
	free(pick);
	return NULL;
}

struct json_pick *json_pick_new(const struct json_want *wants, struct json_names *names,
				size_t element_max, bool is_lines)
{
	struct json_pick *pick = calloc(1, sizeof(*pick));

	if (!pick)
		return NULL;
	pick->wants = pick->next = wants;
	pick->element_max = element_max;
	pick->is_lines = is_lines;
	pick->names = json_names_ref(names);
	pick->seen = calloc(names ? names->n + 1 : 1, sizeof(*pick->seen));
	return pick->seen ? pick : json_pick_free(pick);
}
