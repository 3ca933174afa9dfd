"""HTTP as every route needs it: bodies, ranges, errors, headers, files."""
