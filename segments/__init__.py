"""Communities of users, their profiles and their names."""
