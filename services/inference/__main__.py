"""Has moved to `poseway_inference`."""

from poseway.lifecycle import moved

if __name__ == "__main__":
    moved.run("poseway_inference", "services.inference")
