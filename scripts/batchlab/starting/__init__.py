"""A first campaign for somebody's own data: `make new DATA=flowers.csv LABEL=species` writes it."""
