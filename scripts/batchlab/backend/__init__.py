"""What models and cores stand on: Keras started in one way, and the data set in memory."""
