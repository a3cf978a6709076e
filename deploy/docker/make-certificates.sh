#!/bin/sh
# make-certificates.sh FOLDER NAME...: an authority and a certificate of it for the names, unless they are there.
# FOLDER/private gets what only the API may read, FOLDER/public the authority's certificate for everybody else.
set -eu

folder="$1"
shift
if [ -e "$folder/private/cert.pem" ]; then
  exit 0
fi
names=""
for name in "$@"; do
  names="${names}${names:+,}DNS:${name}"
done
mkdir -p "$folder/private" "$folder/public"
umask 077
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Millrace authority" \
  -keyout "$work/ca.key" -out "$work/ca.pem"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -addext "subjectAltName=${names},IP:127.0.0.1" \
  -keyout "$folder/private/key.pem" -out "$work/api.csr"
openssl x509 -req -in "$work/api.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 825 \
  -copy_extensions copy -out "$work/cert.pem"
cp "$work/ca.pem" "$folder/public/ca.pem"
chmod 644 "$folder/public/ca.pem"
# Made by root for the user of the image, who alone may read the key.
if [ "$(id -u)" = 0 ]; then
  chown -R 10001:10001 "$folder/private"
fi
chmod 755 "$folder" "$folder/public"
chmod 700 "$folder/private"
# The certificate comes last: while it is missing, a broken attempt is begun anew.
cp "$work/cert.pem" "$folder/private/cert.pem"
chmod 644 "$folder/private/cert.pem"
