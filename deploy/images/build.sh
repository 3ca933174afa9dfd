#!/bin/sh
# Builds the services' images with docker, buildah or podman, whichever is found to work first:
#   deploy/images/build.sh [IMAGE...]
# Without arguments it builds all images except that for GPUs. `sboms` writes their bills of materials
# to build/sbom. Environment variables:
#   BASE      image with Python 3.11 to build on; default: the official slim image
#   PLATFORM  another architecture, e.g. linux/arm64, if the engine can run it
#   TAG       tag of the images; default: latest
#   REGISTRY  prefix of the images' names, e.g. registry.example/team
#   ENGINE    the engine to use
#   NO_CACHE  if set, the build cache is ignored
#   PYTHON    the Python whose pip is configured for your package index
set -eu
cd "$(dirname "$0")/../.."
. deploy/images/engine.sh

[ $# -gt 0 ] || set -- poseway-gateway poseway-dispatcher poseway-inference poseway-tracker \
    poseway-renderer poseway-setup

secrets=$(mktemp -d)
trap 'rm -rf "$secrets"' EXIT
"${PYTHON:-python3}" deploy/images/pip_settings.py "$secrets"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
for image; do
    name=${REGISTRY:+$REGISTRY/}$image:${TAG:-latest}
    [ "$image" != sboms ] || name=build/sbom
    echo "Building $name with $engine."
    if [ "$image" = sboms ]; then set -- --output "type=local,dest=$name"; else set -- --tag "$name"; fi
    build --file deploy/images/Dockerfile --target "$image" "$@" --build-arg VERSION="$version" \
        ${BASE:+--build-arg BASE="$BASE"} ${PLATFORM:+--platform "$PLATFORM"} ${NO_CACHE:+--no-cache} \
        --secret id=pip,src="$secrets/pip.conf" --secret id=ca,src="$secrets/ca" \
        --label org.opencontainers.image.version="$version" \
        --label org.opencontainers.image.revision="$revision" .
done
