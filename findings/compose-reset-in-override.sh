#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# docker compose 2.26.1 (Debian trixie): `!reset` inside of `!override`.
#
# `gone: !reset null` takes a label away that a file before has set. Inside of a mapping that is tagged
# `!override` the same words set the label, to the text "null".
#
# Seen: gone: "null".
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"

debian_root trixie docker-compose
debian_program compose usr/libexec/docker/cli-plugins/docker-compose 2.26.1

echo 'name: shop
services: {web: {image: "web:1", labels: {keep: "1", gone: "2"}}}' >"$work/base.yaml"

# The label `gone` after an override.
label_with() {
	echo "services: {web: {labels: $1}}" >"$work/more.yaml"
	"$work/compose" -f "$work/base.yaml" -f "$work/more.yaml" config >"$work/said" 2>"$work/error" ||
		cannot "$(head -n 1 "$work/error")"
	grep "gone:" "$work/said" || echo "no label"
}

alone=$(label_with '{gone: !reset null}')
inside=$(label_with '!override {gone: !reset null}')
echo "alone: $alone"
echo "inside of !override: $inside"
[ "$alone" = "no label" ] || cannot "it takes nothing away alone either"
case $inside in
*'gone: "null"'*) ;;
*)
	echo "changed"
	exit 1
	;;
esac
