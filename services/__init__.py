"""The services. Each imports `poseway` and nothing of the others."""
