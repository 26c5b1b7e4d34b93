"""What knows PostgreSQL, Kafka and HTTP and nothing of leads."""
