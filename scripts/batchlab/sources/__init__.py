"""Data sets: what is known of them, how they are fetched and checked, and how they are split."""
