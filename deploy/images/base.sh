#!/bin/sh
# Builds a base image of Debian 12 with Python 3.11, for machines without access to a registry:
#   deploy/images/base.sh [NAME]
# Needs root, debootstrap, and docker, buildah or podman. MIRROR selects another Debian mirror.
set -eu
cd "$(dirname "$0")"
name=${1:-poseway-base}
. ./engine.sh

[ "$(id -u)" = 0 ] || { echo "debootstrap needs root: sudo make base-image" >&2; exit 1; }
command -v debootstrap >/dev/null || PATH=$PATH:/usr/sbin:/sbin
command -v debootstrap >/dev/null || { echo "Install Debian's package debootstrap." >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# debootstrap does not resolve virtual packages: python3-distutils provides one for python3.11-venv.
debootstrap --variant=minbase \
    --include=python3.11,python3.11-venv,python3-distutils,ca-certificates \
    bookworm "$work/root" ${MIRROR:+"$MIRROR"} >"$work/log" || { cat "$work/log" >&2; exit 1; }

# Delete what containers never read and what differs between runs.
cd "$work/root"
rm -rf var/cache/* var/lib/apt/lists/* var/log/* tmp/* usr/share/man/* usr/share/info/* \
    usr/share/locale/* usr/share/lintian var/lib/dpkg/*-old \
    etc/machine-id etc/resolv.conf etc/hostname
find usr/share/doc -type f ! -name copyright -delete
find . -name __pycache__ -prune -exec rm -rf {} +
tar --sort=name --numeric-owner --mtime=@"$epoch" --exclude='./dev/*' -cf "$work/root.tar" .
rm -rf "$work/root"

printf 'FROM scratch\nADD root.tar /\nENV LANG=C.UTF-8\nCMD ["python3.11"]\n' >"$work/Dockerfile"
build --tag "$name" "$work"
