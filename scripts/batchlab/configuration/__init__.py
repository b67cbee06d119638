"""A campaign file: read, checked against the schema, completed."""
