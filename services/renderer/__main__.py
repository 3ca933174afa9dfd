"""Has moved to `poseway_renderer`."""

from poseway.lifecycle import moved

if __name__ == "__main__":
    moved.run("poseway_renderer", "services.renderer")
