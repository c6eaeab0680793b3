"""Real Kafka clients against a cluster: what each must do, and who drives and judges them. See ../README.md."""
