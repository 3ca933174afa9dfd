"""What the API measures, and probes of what it depends on."""
