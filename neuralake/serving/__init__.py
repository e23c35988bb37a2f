"""Answers questions about a catalog's tables to many clients, as they are at the moment asked."""
