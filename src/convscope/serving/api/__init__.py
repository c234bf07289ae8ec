"""What programs ask: JSON, under `/api/v1`."""
