"""Speed, side by side with peers; each module is started by a target of the Makefile."""
