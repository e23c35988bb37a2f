"""A broker of Apache Kafka of our own: to play with, for tests, and for measurements."""
