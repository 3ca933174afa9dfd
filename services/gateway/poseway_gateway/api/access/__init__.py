"""Authentication, authorization, rate limits and quotas."""
