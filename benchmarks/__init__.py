"""Benchmarks, side by side with peers. Each module is run by a target of the Makefile."""
