"""What is told over topics, for people and tools: docs/events, written from the contracts by `make docs`."""
