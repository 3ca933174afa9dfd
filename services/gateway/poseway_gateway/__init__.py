"""The gateway: `api` accepts jobs and serves results, `dispatcher` runs the jobs."""
