"""What the Makefile calls: tools for work on the kit, outside the package."""
