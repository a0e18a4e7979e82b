"""The reference of the language, generated from the catalog and the schema."""
