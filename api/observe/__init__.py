"""What a server tells of itself: a line a request, metrics, and which products it lists."""
