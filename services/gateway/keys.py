"""Has moved to `poseway_gateway.admin.keys`."""

from poseway.lifecycle import moved

if __name__ == "__main__":
    moved.run("poseway_gateway.admin.keys", "services.gateway.keys")
