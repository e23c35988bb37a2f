"""Kafka: messages of a topic, each of them in the table once, or in the table of dead letters."""
