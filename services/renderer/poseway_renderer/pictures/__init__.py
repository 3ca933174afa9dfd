"""Screenshots, stills and contact sheets."""
