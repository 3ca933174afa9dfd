"""Prepares a cluster: its secrets, its bucket and the services' storage user."""
