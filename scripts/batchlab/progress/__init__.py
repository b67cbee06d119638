"""What a run costs and how far it is, in words for the terminal. Standard library only."""
