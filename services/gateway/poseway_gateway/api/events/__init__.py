"""Server-sent events with the status of jobs as it changes."""
