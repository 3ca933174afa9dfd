"""Who may use the API, how much, and what they may show to others."""
