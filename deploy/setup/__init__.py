"""Prepares a cluster: secrets, the bucket, the user that the services are."""
