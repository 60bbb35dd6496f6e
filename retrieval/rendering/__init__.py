"""The context as it is delivered, and recognised when it is remembered again."""
