"""Jobs as the API shows them: records, lists, frames, previews."""
