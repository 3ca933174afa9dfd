"""Metrics of the API, and probes of the services that it depends on."""
