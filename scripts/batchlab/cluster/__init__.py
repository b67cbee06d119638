"""What jobs ask of a cluster, and what a site must say about itself. Standard library only."""
