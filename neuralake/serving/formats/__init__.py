"""Answers as text or bytes: each format a file, all of them in bulk and piece by piece."""
