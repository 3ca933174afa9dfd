# Read by the scripts beside it: `build` is the build command of the first engine that works here.

# One date for all files: an image is the same whenever it is made, and a layer in which nothing
# changed is the same in every version.
epoch=${SOURCE_DATE_EPOCH:-315532800}

find_engine() {
    for engine in ${ENGINE:-docker buildah podman}; do
        "$engine" info >/dev/null 2>&1 && return
    done
    echo "No engine works here (tried: ${ENGINE:-docker, buildah, podman}). Install Debian's buildah." >&2
    exit 1
}

build() {
    case $engine in
        docker) SOURCE_DATE_EPOCH=$epoch docker build "$@" ;;
        # The network of the machine, since there may be none for containers.
        *) "$engine" build --layers --timestamp "$epoch" --network host "$@" ;;
    esac
}

find_engine
