"""Has moved to `poseway_tracker.mot_cli`."""

from poseway.lifecycle import moved

if __name__ == "__main__":
    moved.run("poseway_tracker.mot_cli", "services.tracker.mot")
