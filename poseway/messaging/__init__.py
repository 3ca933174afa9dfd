"""Jobs between api and dispatchers, over NATS: the queue, and the feed of status changes."""
