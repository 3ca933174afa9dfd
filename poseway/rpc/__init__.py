"""gRPC between the services: serving, calling, balancing load over replicas."""
