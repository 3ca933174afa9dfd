"""The whole system on one machine: downloads, start and stop."""
