"""Moved to `poseway.local.downloads`."""

from poseway.lifecycle import moved

if __name__ == "__main__":
    moved.run("poseway.local.downloads", "poseway.local.fetch")
