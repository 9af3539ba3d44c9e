"""Time cuts, ranking metrics with intervals, and the report over methods and modes."""
