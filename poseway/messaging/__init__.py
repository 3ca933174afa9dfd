"""Messages between API and dispatchers over NATS: the job queue and the status feed."""
