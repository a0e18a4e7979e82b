"""The reference of the language, made from the catalog and the schema: pages and single entries."""
