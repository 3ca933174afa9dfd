"""Has moved to `poseway_gateway.admin.requeue`."""

from poseway.lifecycle import moved

if __name__ == "__main__":
    moved.run("poseway_gateway.admin.requeue", "services.gateway.requeue")
