#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# etcd 3.4.23 (Debian bookworm): its JSON gateway, and clients that are known by their certificates.
#
# With --client-cert-auth and users, etcdctl is whom the Common Name of its certificate says. Over HTTP,
# at the same port, a client with such a certificate is refused whatever it asks, a password included,
# for the gateway cannot hand on who it is. A certificate without a Common Name is let through, and the
# client says who it is by a password.
#
# Seen: with the right password status 400 with a Common Name, and 200 without.
# shellcheck disable=SC1091,SC2154
set -u
. "$(dirname "$0")/lib/debian.sh"

command -v openssl >/dev/null || cannot "it needs openssl"
command -v curl >/dev/null || cannot "it needs curl"
debian_root bookworm etcd-server
debian_program etcd usr/bin/etcd 3.4.23
key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

# certificate NAME SUBJECT
certificate() {
	# shellcheck disable=SC2086 # options
	openssl req $key -subj "$2" -keyout "$work/$1.key" -out "$work/$1.csr" 2>/dev/null &&
		openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" \
			-CAcreateserial -days 2 -extfile "$work/extensions" -out "$work/$1.pem" 2>/dev/null
}

# shellcheck disable=SC2086
openssl req -x509 $key -days 2 -subj "/O=findings" -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
echo "subjectAltName=IP:127.0.0.1" >"$work/extensions"
certificate server /CN=server || cannot "openssl makes no certificate"
certificate named /CN=somebody || cannot "openssl makes no certificate"
certificate nameless /O=somebody || cannot "openssl makes no certificate"

cat >"$work/run" <<'END'
ip link set lo up
"$work/etcd" --data-dir "$work/data" --listen-client-urls https://127.0.0.1:2379 \
	--advertise-client-urls https://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380 \
	--client-cert-auth --trusted-ca-file "$work/ca.pem" --cert-file "$work/server.pem" \
	--key-file "$work/server.key" >"$work/etcd.log" 2>&1 &
member=$!
trap 'kill $member; wait $member 2>/dev/null' EXIT
# ask CERTIFICATE PATH JSON: the status of the answer
ask() {
	curl -sS -o /dev/null -w '%{http_code}' --cacert "$work/ca.pem" --cert "$work/$1.pem" \
		--key "$work/$1.key" "https://127.0.0.1:2379/v3/$2" -d "$3" 2>/dev/null
}
for _ in $(seq 100); do
	[ "$(ask nameless kv/range '{"key":"YQ=="}')" = 200 ] && break
	sleep 0.1
done
root='{"name":"root","password":"root"}'
ask nameless auth/user/add "$root" >/dev/null
ask nameless auth/user/grant '{"user":"root","role":"root"}' >/dev/null
ask nameless auth/enable '{}' >/dev/null
echo "$(ask named auth/authenticate "$root") $(ask nameless auth/authenticate "$root")"
END
export work
said=$(unshare -n sh "$work/run") || cannot "etcd does not run"
echo "status with and without a Common Name: $said"
[ "${said#* }" = 200 ] || cannot "etcd answers nobody"
if [ "$said" != "400 200" ]; then
	echo "changed"
	exit 1
fi
