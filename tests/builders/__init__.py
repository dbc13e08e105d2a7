"""Small things that tests build; nothing here asserts."""
