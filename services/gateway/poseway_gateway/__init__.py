"""The gateway: `api` takes jobs and hands out results, `dispatcher` runs the jobs."""
