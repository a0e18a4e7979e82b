"""The version of this compiler, as it is written into what it makes."""

VERSION = "0.1.0"
