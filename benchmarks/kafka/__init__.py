"""One broker of Kafka for several processes, which are usually those of a test run."""
