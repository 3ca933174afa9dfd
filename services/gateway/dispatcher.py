"""Has moved to `poseway_gateway.dispatcher`."""

from poseway.lifecycle import moved

if __name__ == "__main__":
    moved.run("poseway_gateway.dispatcher", "services.gateway.dispatcher")
