"""Ways of the records to the writer."""
