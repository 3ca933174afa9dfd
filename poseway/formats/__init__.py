"""The files of a result: what `docs/formats.md` documents, and what other formats are made from."""
