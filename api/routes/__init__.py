"""One router a resource; they translate HTTP to calls of the service and back, nothing more."""
