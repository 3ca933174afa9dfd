"""Webhooks that report the end of a job, by the Standard Webhooks specification."""
