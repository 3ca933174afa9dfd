"""Has moved to `poseway_tracker`."""

from poseway.lifecycle import moved

if __name__ == "__main__":
    moved.run("poseway_tracker", "services.tracker")
