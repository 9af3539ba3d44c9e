"""What the API answers, as frozen pydantic models with an example each: the JSON contract."""
