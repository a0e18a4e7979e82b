"""The guides that the compiler derives, one file each."""
