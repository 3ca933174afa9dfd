"""The files of a result, which `docs/formats.md` documents, and the export formats."""
