"""How a service process starts and exits."""
