"""Reading videos and images: upright frames with exact presentation times, whatever the file."""
