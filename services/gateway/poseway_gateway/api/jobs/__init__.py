"""Jobs as the API shows them: records, lists, frames and previews."""
