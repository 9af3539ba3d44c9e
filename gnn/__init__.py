"""Graph encoders: from the interaction graph to vectors of users and products."""
