"""HTTP for every route: request bodies, ranges, errors, headers and static files."""
