"""Telling others when a job ends, by the Standard Webhooks specification."""
