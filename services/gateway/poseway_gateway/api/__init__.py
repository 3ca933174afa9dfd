"""The HTTP API and the page: accepts uploads, shows jobs and serves results."""
