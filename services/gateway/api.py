"""Has moved to `poseway_gateway.api`."""

from poseway.lifecycle import moved

if __name__ == "__main__":
    moved.run("poseway_gateway.api", "services.gateway.api")
