"""The HTTP API and the page: takes uploads, shows jobs, hands out results."""
