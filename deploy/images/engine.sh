# Sourced by the other scripts: `build` runs the build command of the first engine that works.

# One date for all files, so that builds are reproducible and an unchanged layer is the same in every
# version.
epoch=${SOURCE_DATE_EPOCH:-315532800}

find_engine() {
    for engine in ${ENGINE:-docker buildah podman}; do
        "$engine" info >/dev/null 2>&1 && return
    done
    echo "No container engine works (tried: ${ENGINE:-docker, buildah, podman}). Install Debian's buildah." >&2
    exit 1
}

build() {
    case $engine in
        docker) SOURCE_DATE_EPOCH=$epoch docker build "$@" ;;
        # Use the machine's network, because containers may have none.
        *) "$engine" build --layers --timestamp "$epoch" --network host "$@" ;;
    esac
}

find_engine
