"""The version of the compiler, which is written into generated files."""

VERSION = "0.1.0"
