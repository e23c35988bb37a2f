"""A catalog as people and machines read it: one page that needs nothing, and one document."""
