"""The subcommands of `satchel eval`, one a file."""
