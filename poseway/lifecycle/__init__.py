"""How a service process starts to listen to signals, and how it ends."""
