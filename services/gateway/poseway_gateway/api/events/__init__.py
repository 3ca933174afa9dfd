"""Server-sent events: the status of jobs, as it changes."""
