"""Where customers stand, what they are worth, who is about to leave, what will be asked for."""
