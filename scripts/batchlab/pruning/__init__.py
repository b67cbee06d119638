"""What no campaign needs any more: `make prune` shows it with sizes, and deletes it only when asked."""
