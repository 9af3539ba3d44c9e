"""Association rules: what is bought together, with the measures that say how surely."""
