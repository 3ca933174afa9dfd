"""The whole system on one machine: fetching what it needs, starting it, stopping it."""
