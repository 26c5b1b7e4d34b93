"""The embedded default: real PostgreSQL and Apache Kafka from the package indexes, supervised."""
