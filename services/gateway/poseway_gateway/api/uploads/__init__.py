"""Taking videos in: in one request, or in parts."""
