"""The whole way of an event under one supervisor: broker, writer, table, API."""
