"""What is kept beside each result, and what decides whether it is still true."""
